//! From a table to a manifest: every rule, and every mistake at once.

use toml::{Table, Value};

use super::{
    Batch, Check, CheckInput, Filter, ImageInput, Layout, Manifest, Resize, ScoreOutput, Task, fields::Fields,
};
use crate::Mistake;

/// Letters of a name or version.
const NAME_LENGTH: usize = 64;
/// The longer side that a model may take.
const SIDE: u32 = 4096;
/// What the preparation of digits makes.
const DIGIT_SIZE: [u32; 2] = [crate::digit::SIDE as u32; 2];
/// Inputs of one run.
const BATCH: usize = 1024;
/// Checks of one model, and values of one check.
const CHECKS: usize = 100;

pub(super) fn manifest(mut table: Table) -> Result<Manifest, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let checks = table.remove("check");
    let manifest = whole(Fields::new(table, "", &mut mistakes), checks);
    match manifest {
        Some(manifest) if mistakes.is_empty() => Ok(manifest),
        _ => Err(mistakes),
    }
}

fn whole(mut fields: Fields<'_>, checks: Option<Value>) -> Option<Manifest> {
    let name = name(&mut fields, "name");
    let version = self::name(&mut fields, "version");
    let task = fields.required("task");
    let file = file_name(&mut fields, "file", Fields::required);
    let sha256: Option<String> = fields.required("sha256");
    fields.demand("sha256", sha256.as_deref().map(is_digest), "is a SHA-256 in 64 hexadecimal digits");
    let licence = fields.required("licence");
    let source = fields.required("source");
    let labels = file_name(&mut fields, "labels", Fields::optional);
    let isolated = fields.optional("isolated").unwrap_or(true);
    let image = fields.table("image").map(|table| image(fields.inside(table, "image")));
    let output = fields.table("output").map(|table| output(fields.inside(table, "output")));
    let batch =
        fields.table("batch").map_or(Some(Batch { most: 1 }), |table| batch(fields.inside(table, "batch")));
    let checks = checks.map_or_else(Vec::new, |value| all_checks(&mut fields, value));
    if matches!(task, Some(Task::Classify | Task::Digit)) {
        fields.demand("image", Some(image.is_some()), "is needed for this task");
        fields.demand("output", Some(output.is_some()), "is needed for this task");
    }
    fields.finish();
    Some(Manifest {
        name: name?,
        version: version?,
        task: task?,
        file: file?,
        sha256: sha256?.to_ascii_lowercase(),
        licence: licence?,
        source: source?,
        labels,
        isolated,
        image: image.flatten(),
        output: output.flatten(),
        batch: batch?,
        checks,
    })
}

/// Whether it can be the name or version of a model.
pub(super) fn is_name(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
    (1..=NAME_LENGTH).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(letter)
}

fn name(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    let text: Option<String> = fields.required(key);
    let right = text.as_deref().map(is_name);
    fields.demand(key, right, "has 1 to 64 of a-z, 0-9, `.`, `_` and `-`, and does not begin with `.`");
    text
}

fn file_name<'a>(
    fields: &mut Fields<'a>,
    key: &str,
    take: fn(&mut Fields<'a>, &str) -> Option<String>,
) -> Option<String> {
    let text = take(fields, key);
    let plain = |text: &String| {
        !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\\', '\0']) && text.len() <= 255
    };
    let right = text.as_ref().map(plain);
    fields.demand(key, right, "is the name of a file in the same folder");
    text
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn image(mut fields: Fields<'_>) -> Option<ImageInput> {
    let input = fields.required("input");
    let layout = fields.optional("layout").unwrap_or(Layout::Nchw);
    let colour: Option<super::Colour> = fields.required("colour");
    let size: Option<[u32; 2]> = fields.required("size");
    let sides = size.map(|sides| sides.iter().all(|side| (1..=SIDE).contains(side)));
    fields.demand("size", sides, "is width and height, each from 1 to 4096");
    let resize: Option<Resize> = fields.required("resize");
    let resize_to: Option<u32> = fields.optional("resize_to");
    let right = resize_to_fits(resize, resize_to, size);
    fields.demand(
        "resize_to",
        right,
        "goes with `resize = \"shorter\"`, is at least the longer side of `size` and at most 4096",
    );
    if resize == Some(Resize::Digit) {
        let grey = colour.map(|colour| colour == super::Colour::Grey);
        fields.demand("colour", grey, "is grey for digits");
        fields.demand("size", size.map(|size| size == DIGIT_SIZE), "is [28, 28] for digits");
    }
    let filter = fields.optional("filter").unwrap_or(Filter::Bilinear);
    let pad = fields.optional("pad").unwrap_or(0);
    let channels = colour.map_or(3, super::Colour::channels);
    let mean: Vec<f32> = fields.optional("mean").unwrap_or_else(|| vec![0.0; channels]);
    let std: Vec<f32> = fields.optional("std").unwrap_or_else(|| vec![1.0; channels]);
    let known = |numbers: &[f32]| Some(numbers.len() == channels && numbers.iter().all(|v| v.is_finite()));
    fields.demand("mean", known(&mean), "has one finite number a channel");
    fields.demand("std", known(&std), "has one finite number a channel");
    fields.demand("std", Some(std.iter().all(|v| *v != 0.0)), "divides, so it is not 0");
    fields.finish();
    Some(ImageInput {
        input: input?,
        layout,
        colour: colour?,
        size: size?,
        resize: resize?,
        resize_to,
        filter,
        pad,
        mean,
        std,
    })
}

fn resize_to_fits(resize: Option<Resize>, to: Option<u32>, size: Option<[u32; 2]>) -> Option<bool> {
    let size = size?;
    match (resize?, to) {
        (Resize::Shorter, Some(to)) => Some(to >= size[0].max(size[1]) && to <= SIDE),
        (Resize::Shorter, None) | (_, Some(_)) => Some(false),
        (_, None) => Some(true),
    }
}

fn output(mut fields: Fields<'_>) -> Option<ScoreOutput> {
    let name = fields.required("name");
    let kind = fields.required("kind");
    fields.finish();
    Some(ScoreOutput { name: name?, kind: kind? })
}

fn batch(mut fields: Fields<'_>) -> Option<Batch> {
    let most = fields.required("most");
    fields.demand("most", most.map(|most| (1..=BATCH).contains(&most)), "is from 1 to 1024");
    fields.finish();
    Some(Batch { most: most? })
}

fn all_checks(fields: &mut Fields<'_>, value: Value) -> Vec<Check> {
    let Value::Array(all) = value else {
        fields.wrong("check", "is a list of tables: `[[check]]`");
        return Vec::new();
    };
    fields.demand("check", Some(all.len() <= CHECKS), "has at most 100 entries");
    let mut checks = Vec::new();
    for (index, value) in all.into_iter().take(CHECKS).enumerate() {
        let name = format!("check[{index}]");
        match value {
            Value::Table(table) => checks.extend(check(fields.inside(table, &name))),
            _ => fields.wrong(&name, "is a table"),
        }
    }
    checks
}

fn check(mut fields: Fields<'_>) -> Option<Check> {
    let input: Option<CheckInput> = fields.required("input");
    let at: Option<Vec<usize>> = fields.required("at");
    let values: Option<Vec<f32>> = fields.required("values");
    let tolerance: Option<f32> = fields.required("tolerance");
    let right = at.as_ref().map(|at| (1..=CHECKS).contains(&at.len()));
    fields.demand("at", right, "has 1 to 100 positions");
    let pairs = at.as_ref().zip(values.as_ref()).map(|(at, values)| at.len() == values.len());
    fields.demand("values", pairs, "has one number for each position of `at`");
    let right = tolerance.map(|tolerance| tolerance > 0.0 && tolerance.is_finite());
    fields.demand("tolerance", right, "is above 0");
    fields.finish();
    Some(Check { input: input?, at: at?, values: values?, tolerance: tolerance? })
}
