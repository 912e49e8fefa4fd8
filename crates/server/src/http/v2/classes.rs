//! The classification extension: of each row the largest values, with their places and labels.

use darkroom_inference::{Data, ElementType, Tensor};

use super::models::Batches;

/// Whether values of this type have an order that means anything.
pub(super) fn can_rank(kind: ElementType) -> bool {
    !matches!(kind, ElementType::Bool | ElementType::Bytes)
}

/// `value:index:label`, or `value:index` without labels, largest first: `[rows, count]` for batches, else `[count]`.
/// `None` where the values have no order.
pub(super) fn classify(tensor: &Tensor, count: usize, labels: &[String], batches: Batches) -> Option<Tensor> {
    let values = numbers(tensor.data())?;
    let rows = if batches == Batches::Yes { tensor.rows()? } else { 1 };
    let classes = values.len().checked_div(rows).unwrap_or(0);
    let count = count.min(classes);
    let mut texts = Vec::with_capacity(rows * count);
    for row in values.chunks_exact(classes.max(1)) {
        // The labels are those of these classes, or of something else.
        let labels = if labels.len() == classes { labels } else { &[] };
        texts.extend(largest(row, count).map(|class| text(row[class].1.as_str(), class, labels)));
    }
    let shape = if batches == Batches::Yes { vec![rows, count] } else { vec![count] };
    Tensor::new(shape, Data::Bytes(texts))
}

/// The places of the largest values; of equal ones the first. What is no number comes last.
fn largest(row: &[(f64, String)], count: usize) -> impl Iterator<Item = usize> {
    let rank = |class: usize| if row[class].0.is_nan() { f64::NEG_INFINITY } else { row[class].0 };
    let mut classes: Vec<usize> = (0..row.len()).collect();
    classes.sort_by(|a, b| rank(*b).total_cmp(&rank(*a)).then(a.cmp(b)));
    classes.into_iter().take(count)
}

fn text(value: &str, class: usize, labels: &[String]) -> Vec<u8> {
    match labels.get(class) {
        Some(label) => format!("{value}:{class}:{label}").into_bytes(),
        None => format!("{value}:{class}").into_bytes(),
    }
}

/// Each value as a number to order it by, and in its own words.
fn numbers(data: &Data) -> Option<Vec<(f64, String)>> {
    macro_rules! each {
        ($values:expr) => {
            $values.iter().map(|value| (*value as f64, value.to_string())).collect()
        };
    }
    Some(match data {
        Data::Bool(_) | Data::Bytes(_) => return None,
        Data::U8(values) => each!(values),
        Data::U16(values) => each!(values),
        Data::U32(values) => each!(values),
        Data::U64(values) => each!(values),
        Data::I8(values) => each!(values),
        Data::I16(values) => each!(values),
        Data::I32(values) => each!(values),
        Data::I64(values) => each!(values),
        Data::F16(values) => values.iter().map(|value| (value.to_f64(), value.to_string())).collect(),
        Data::F32(values) => each!(values),
        Data::F64(values) => each!(values),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tensor: &Tensor) -> Vec<String> {
        let Data::Bytes(texts) = tensor.data() else { panic!("{tensor:?}") };
        texts.iter().map(|text| String::from_utf8(text.clone()).unwrap()).collect()
    }

    #[test]
    fn each_row_has_its_best() {
        let scores = Tensor::new([2, 3], Data::F32(vec![0.25, 0.5, 0.25, f32::NAN, -1.0, 2.0])).unwrap();
        let labels = ["cat".to_owned(), "dog".to_owned(), "cow: black".to_owned()];
        let best = classify(&scores, 2, &labels, Batches::Yes).unwrap();
        assert_eq!(best.shape(), [2, 2]);
        assert_eq!(texts(&best), ["0.5:1:dog", "0.25:0:cat", "2:2:cow: black", "-1:1:dog"]);
        let flat = classify(&scores, 99, &labels, Batches::No).unwrap();
        assert_eq!((flat.shape(), texts(&flat)[0].as_str()), (&[6][..], "2:5"));
    }

    #[test]
    fn whole_numbers_rank_and_texts_do_not() {
        let counts = Tensor::new([3], Data::U8(vec![1, 9, 9])).unwrap();
        assert_eq!(texts(&classify(&counts, 2, &[], Batches::No).unwrap()), ["9:1", "9:2"]);
        let words = Tensor::new([1], Data::Bytes(vec![b"a".to_vec()])).unwrap();
        assert_eq!(classify(&words, 1, &[], Batches::No), None);
        let nothing = Tensor::new([0, 3], Data::F32(Vec::new())).unwrap();
        assert_eq!(classify(&nothing, 2, &[], Batches::Yes).unwrap().shape(), [0, 0]);
    }
}
