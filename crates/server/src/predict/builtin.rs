//! The digits model, which is ours and small: it comes with the binary, and is put into the model folder.

use std::{fs, io, path::Path};

/// What the folder of the model holds.
const FILES: [(&str, &[u8]); 2] = [
    ("digits.onnx", include_bytes!("../../../../models/digits/digits.onnx")),
    ("manifest.toml", include_bytes!("../../../../models/digits/manifest.toml")),
];

/// Name and version, as its manifest says.
const FOLDER: [&str; 2] = ["digits", "1"];

/// Puts the model into the folder of models, unless there is one of its name and version.
pub(super) fn install(models: &Path) -> io::Result<()> {
    let folder = FOLDER.iter().fold(models.to_path_buf(), |path, part| path.join(part));
    if folder.join("manifest.toml").exists() {
        return Ok(());
    }
    // Whoever reads the folder meanwhile sees no model or the whole one: names with a dot in front are none.
    let draft = models.join(format!(".digits-{}", std::process::id()));
    fs::create_dir_all(&draft)?;
    for (name, content) in FILES {
        fs::write(draft.join(name), content)?;
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::rename(&draft, &folder) {
        Ok(()) => Ok(()),
        Err(error) => {
            fs::remove_dir_all(&draft)?;
            // Another process was as quick.
            if folder.join("manifest.toml").exists() { Ok(()) } else { Err(error) }
        }
    }
}
