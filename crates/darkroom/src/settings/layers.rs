//! Reading the layers, and listing everything that is wrong with them at once.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use darkroom_api::SettingOrigin;
use darkroom_server::config::Mistake;

use super::Settings;

/// The file that is read if none is named.
const DEFAULT_FILE: &str = "darkroom.toml";

/// What the settings are made from.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// The configuration file; `None` takes `darkroom.toml` if there is one.
    pub(crate) file: Option<PathBuf>,
    /// Every environment variable.
    pub(crate) environment: Vec<(String, String)>,
    /// Keys and values from flags.
    pub(crate) flags: Vec<(String, String)>,
}

/// One key with its text, and where it was written.
struct Entry {
    key: String,
    text: String,
    origin: SettingOrigin,
    place: String,
}

/// The settings, or every mistake in them.
pub(crate) fn load(layers: &Layers) -> Result<Settings, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut entries = file_entries(layers.file.as_deref(), &mut mistakes);
    entries.extend(layers.environment.iter().filter_map(|(name, text)| variable_entry(name, text)));
    entries.extend(layers.flags.iter().map(|(key, text)| Entry {
        key: key.clone(),
        text: text.clone(),
        origin: SettingOrigin::Argument,
        place: "command line".to_owned(),
    }));
    let mut settings = Settings::default();
    for entry in entries {
        if let Err(what) = set(&mut settings, &entry) {
            mistakes.push(Mistake::new(entry.key, format!("{what} ({})", entry.place)));
        }
    }
    mistakes.extend(settings.validate());
    if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
}

fn set(settings: &mut Settings, entry: &Entry) -> Result<(), String> {
    let mut known = Vec::new();
    for section in settings.sections() {
        let name = section.name();
        for setting in section.settings() {
            let key = format!("{name}.{}", setting.key);
            if key == entry.key {
                setting.value.read(&entry.text)?;
                settings.origins.insert(key, entry.origin);
                return Ok(());
            }
            known.push(key);
        }
    }
    Err(match nearest(&entry.key, &known) {
        Some(near) => format!("there is no such setting; did you mean `{near}`?"),
        None => "there is no such setting".to_owned(),
    })
}

/// The known key that looks most like `key`, if any does.
fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a String> {
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(key, other);
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= 0.6).then_some(best)
}

/// `DARKROOM__HTTP__LISTEN` is `http.listen`.
fn variable_entry(name: &str, text: &str) -> Option<Entry> {
    let key = name.strip_prefix("DARKROOM__")?.to_lowercase().replace("__", ".");
    Some(Entry {
        key,
        text: text.to_owned(),
        origin: SettingOrigin::Environment,
        place: format!("environment variable {name}"),
    })
}

fn file_entries(named: Option<&Path>, mistakes: &mut Vec<Mistake>) -> Vec<Entry> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    let mut wrong = |what: String| {
        mistakes.push(Mistake::new(path.display().to_string(), what));
        Vec::new()
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return wrong(format!("cannot be read: {error}")),
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return wrong(format!("is not valid TOML: {error}")),
    };
    let mut entries = Vec::new();
    for (section, value) in table {
        match value {
            toml::Value::Table(settings) => entries.extend(settings.into_iter().map(|(key, value)| Entry {
                key: format!("{section}.{key}"),
                text: as_text(&value),
                origin: SettingOrigin::File,
                place: path.display().to_string(),
            })),
            value => {
                entries.push(Entry {
                    key: section,
                    text: as_text(&value),
                    origin: SettingOrigin::File,
                    place: path.display().to_string(),
                });
            }
        }
    }
    entries
}

fn as_text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(pairs: &[(&str, &str)]) -> Layers {
        let flags = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        // A file that is empty, so that one in the working folder plays no part.
        Layers { file: Some(PathBuf::from("/dev/null")), flags, ..Layers::default() }
    }

    #[test]
    fn flags_win_over_the_environment_and_the_environment_over_the_file() {
        let mut layers = flags(&[("worker.slots", "3")]);
        let variables =
            [("DARKROOM__WORKER__SLOTS", "2"), ("DARKROOM__LIMITS__SIDE", "9000"), ("PATH", "/bin")];
        layers.environment = variables.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        let settings = load(&layers).unwrap();
        assert_eq!((settings.service.worker.slots, settings.service.limits.side), (3, 9_000));
    }

    #[test]
    fn every_mistake_is_listed_and_a_slip_of_the_pen_gets_a_hint() {
        let layers = flags(&[
            ("http.listne", "x"),
            ("worker.slots", "many"),
            ("store.url", "postgres://db"),
            ("store.keep_history", "9m"),
        ]);
        let mistakes: Vec<String> = load(&layers).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(mistakes.len(), 4, "{mistakes:?}");
        assert!(mistakes[3].contains("between 1h and 366d"), "{mistakes:?}");
        assert!(mistakes[0].contains("did you mean `http.listen`?"), "{mistakes:?}");
        assert!(mistakes[1].contains("`many` is not a whole number"), "{mistakes:?}");
        assert!(mistakes[2].contains("not supported yet"), "{mistakes:?}");
    }

    #[test]
    fn what_is_shown_can_be_read_back() {
        let mut settings =
            load(&flags(&[("limits.decode_time", "90s"), ("http.cors_origins", "https://a.example")]))
                .unwrap();
        let shown = super::super::show(&mut settings);
        let mut again = Settings::default();
        for (section, table) in shown.parse::<toml::Table>().unwrap() {
            for (key, value) in table.as_table().unwrap() {
                let (key, origin) = (format!("{section}.{key}"), SettingOrigin::File);
                let entry = Entry { key, text: as_text(value), origin, place: String::new() };
                set(&mut again, &entry).unwrap();
            }
        }
        again.origins.clone_from(&settings.origins);
        assert_eq!(again, settings);
    }

    #[test]
    fn every_setting_is_described_with_its_origin_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("darkroom.toml");
        fs::write(&file, "[http]\nmax_looks = 5\nmax_streams = 7\n[worker]\nslots = 2").unwrap();
        let variables = [("DARKROOM__HTTP__MAX_STREAMS", "8"), ("DARKROOM__WORKER__SLOTS", "3")];
        let environment = variables.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        let flags = vec![("worker.slots".to_owned(), "4".to_owned())];
        let mut settings = load(&Layers { file: Some(file), environment, flags }).unwrap();
        let described = super::super::describe(&mut settings);
        let of = |key: &str| described.iter().find(|setting| setting.key == key).unwrap();
        let shown = |key| (of(key).value.as_deref(), of(key).from);
        assert_eq!(shown("http.max_looks"), (Some("5"), SettingOrigin::File));
        assert_eq!(shown("http.max_streams"), (Some("8"), SettingOrigin::Environment));
        assert_eq!(shown("worker.slots"), (Some("4"), SettingOrigin::Argument));
        assert_eq!(shown("store.keep_history"), (Some("8d"), SettingOrigin::Default));
        assert_eq!((of("http.max_looks").default.as_str(), of("http.max_looks").secret), ("64", false));
        assert!(of("http.max_looks").help.contains("at once"));
        assert_eq!(described.len(), super::super::describe(&mut Settings::default()).len());
    }
}
