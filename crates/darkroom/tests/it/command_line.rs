use crate::binary::{answer, darkroom, err, folder, out, write};

#[test]
fn help_lists_what_there_is() {
    let folder = folder();
    let help = answer(folder.path(), &["--help"]);
    assert!(help.status.success());
    let expected = "\
What happens to images after they arrive: durable jobs, thumbnails at full speed, one binary

Usage: darkroom [OPTIONS] <COMMAND>

Commands:
  serve        Start the server: HTTP API, workers and upkeep in one process
  run          Put files, folders and archives through an operation
  compare      Say whether two images show one person
  jobs         Look at the jobs of a server, and change their fate
  runs         Have a server work through datasets, watch it, and fetch what came of them
  queues       Look at the queues of a server, hold them, and limit what runs of them
  predictions  Look at what models were asked on a server, and what came of it
  models       Fetch, list, check and import the models that look at images
  users        Make, list, change and remove users
  keys         Make, list and revoke keys for programs
  config       Show, check or explain the configuration
  doctor       Check whether this machine is fit for Darkroom
  openapi      Print the description of the HTTP API (`OpenAPI`)
  completions  Print a completion script for a shell
  version      Print the version
  help         Print this message or the help of the given subcommand(s)

Options:
      --config <FILE>    The configuration file [default: darkroom.toml, if there is one] [env: DARKROOM_CONFIG=]
      --data-dir <DIR>   Where jobs, images and results are kept [default: darkroom-data]
      --set <KEY=VALUE>  Any setting, such as worker.slots=4; may be repeated
      --json             Answer in JSON
  -h, --help             Print help
  -V, --version          Print version
";
    assert_eq!(out(&help), expected);
}

#[test]
fn every_subcommand_explains_itself() {
    let folder = folder();
    for command in [
        "serve",
        "run",
        "jobs",
        "runs",
        "queues",
        "models",
        "users",
        "keys",
        "config",
        "doctor",
        "openapi",
        "completions",
        "version",
    ] {
        let help = answer(folder.path(), &[command, "--help"]);
        assert!(
            help.status.success() && out(&help).contains("Usage: darkroom "),
            "{command}: {}",
            err(&help)
        );
    }
    let run = out(&answer(folder.path(), &["run", "thumbnail", "--help"]));
    for flag in ["--width", "--height", "--mode", "--gravity", "--format", "--quality", "--out", "--server"] {
        assert!(run.contains(flag), "{flag} is missing:\n{run}");
    }
}

#[test]
fn all_mistakes_of_the_configuration_are_listed_together_with_exit_code_2() {
    let folder = folder();
    write(folder.path(), "darkroom.toml", b"[http]\nlistne = \"127.0.0.1:1\"\n\n[limits]\nside = \"wide\"\n");
    let check = darkroom(folder.path())
        .args(["config", "check", "--set", "worker.slots=9999"])
        .env("DARKROOM__LOG__FORMAT", "morse")
        .output()
        .unwrap();
    assert_eq!(check.status.code(), Some(2));
    let text = err(&check);
    let expected = [
        "4 mistakes",
        "http.listne: there is no such setting; did you mean `http.listen`? (darkroom.toml)",
        "limits.side: `wide` is not a whole number (darkroom.toml)",
        "worker.slots: is at most 1024",
        "log.format: `morse` is none of auto, text, json",
    ];
    for line in expected {
        assert!(text.contains(line), "`{line}` is missing:\n{text}");
    }
}

#[test]
fn what_is_in_force_is_shown_and_can_be_used_as_a_file() {
    let folder = folder();
    let shown = answer(folder.path(), &["config", "show", "--set", "worker.slots=7"]);
    assert!(out(&shown).contains("slots = \"7\""), "{}", out(&shown));
    write(folder.path(), "shown.toml", &shown.stdout);
    let again = answer(folder.path(), &["config", "show", "--config", "shown.toml"]);
    assert_eq!(out(&again), out(&shown), "{}", err(&again));
}

#[test]
fn a_file_that_was_named_has_to_be_there() {
    let folder = folder();
    let check = answer(folder.path(), &["config", "check", "--config", "nowhere.toml"]);
    assert_eq!(check.status.code(), Some(2));
    assert!(err(&check).contains("nowhere.toml: cannot be read"), "{}", err(&check));
}

#[test]
fn the_openapi_document_and_completions_are_printed() {
    let folder = folder();
    let document: serde_json::Value =
        serde_json::from_slice(&answer(folder.path(), &["openapi"]).stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/v1/jobs"]["post"].is_object());
    assert!(out(&answer(folder.path(), &["completions", "bash"])).contains("_darkroom"));
}

#[test]
fn the_doctor_finds_a_good_folder_good_and_a_bad_one_bad() {
    let folder = folder();
    let good = answer(folder.path(), &["doctor", "--json"]);
    let findings: serde_json::Value = serde_json::from_slice(&good.stdout).unwrap();
    assert!(good.status.success(), "{findings:#}");
    assert_eq!(findings[0]["check"], "data folder");
    // Models are not needed for thumbnails; what is missing is named with the command that gets it.
    for check in ["engine", "models"] {
        let finding = findings.as_array().unwrap().iter().find(|finding| finding["check"] == check).unwrap();
        assert_eq!(finding["verdict"], "warning");
        assert!(finding["says"].as_str().unwrap().contains("darkroom models fetch"), "{finding}");
    }
    write(folder.path(), "occupied", b"a file, not a folder");
    let bad = answer(folder.path(), &["doctor", "--data-dir", "occupied"]);
    assert_eq!(bad.status.code(), Some(3));
    assert!(out(&bad).contains("--data-dir"), "{}", out(&bad));
}

#[test]
fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let folder = folder();
    let list = answer(folder.path(), &["jobs", "list", "--server", "http://127.0.0.1:9"]);
    assert_eq!(list.status.code(), Some(3));
    assert!(err(&list).contains("darkroom serve"), "{}", err(&list));
}
