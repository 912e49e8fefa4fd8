use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Output, Stdio},
};

use darkroom_api::{Client, Code, KeyInfo, Secret, UserInfo};

use crate::binary::{Server, answer, darkroom, err, folder, out};

fn typed(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = darkroom(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn users_are_made_listed_changed_and_removed_on_the_data_folder() {
    let folder = folder();
    let ask = |arguments: &[&str]| answer(folder.path(), arguments);
    let added = typed(
        folder.path(),
        &["users", "add", "Ann", "--role", "admin", "--password-stdin"],
        "correct horse\n",
    );
    assert!(added.status.success(), "{}", err(&added));
    let added = ask(&["users", "add", "bob"]);
    let told = err(&added);
    assert!(told.contains("the password of bob, shown this once: "), "{told}");
    assert!(!out(&added).contains(told.rsplit(' ').next().unwrap().trim()), "it is not part of the answer");
    let list = ask(&["users", "list", "--json"]);
    let users: Vec<UserInfo> = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["ann", "bob"]);
    assert!(!out(&list).contains("argon2"));
    for (arguments, part) in [
        (&["users", "role", "bob", "operator"][..], "operator"),
        (&["users", "disable", "bob"], "bob"),
        (&["users", "enable", "bob"], "-"),
        (&["users", "passwd", "bob"], "bob"),
        (&["users", "list"], "ROLE"),
        (&["users", "remove", "bob"], "removed"),
    ] {
        let done = ask(arguments);
        assert!(done.status.success() && out(&done).contains(part), "{arguments:?}: {}", err(&done));
    }
    for (arguments, part) in [
        (&["users", "add", "ann"][..], "belongs to another user"),
        (&["users", "add", "a b"], "letters, digits"),
        (&["users", "add", "eve", "--role", "root"], "a role is user, operator or admin"),
        (&["users", "remove", "bob"], "no user"),
        (&["users", "remove", "ann"], "last administrator"),
        (&["keys", "create", "ci"], "--user"),
        (&["keys", "create", "ci", "--user", "ann", "--expires", "soon"], "--expires"),
        (&["keys", "revoke", "x"], "no such key"),
    ] {
        let refused = ask(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", err(&refused));
        assert!(err(&refused).contains(part), "{arguments:?}: {}", err(&refused));
    }
    let short = typed(folder.path(), &["users", "add", "eve", "--password-stdin"], "short\n");
    assert!(err(&short).contains("8 to 256 bytes"), "{}", err(&short));
}

#[tokio::test]
async fn a_key_of_the_data_folder_opens_the_server_and_administers_it() {
    let folder = folder();
    let ask = |arguments: &[&str]| answer(folder.path(), arguments);
    ask(&["users", "add", "root", "--role", "admin"]);
    let made = ask(&["keys", "create", "laptop", "--user", "root", "--expires", "90d"]);
    let key = out(&made).trim().to_owned();
    assert!(key.starts_with("dk_") && err(&made).contains("shown this once"), "{}", err(&made));
    let server = Server::start(folder.path(), &[("DARKROOM__AUTH__ANONYMOUS", "never")]);
    let remote = |arguments: &[&str], token: &str| {
        let mut command = darkroom(folder.path());
        command.args(arguments).args(["--server", &server.url]).env("DARKROOM_TOKEN", token);
        command.output().unwrap()
    };
    for arguments in [&["users", "list"][..], &["jobs", "list"], &["keys", "list"]] {
        assert!(remote(arguments, &key).status.success(), "{arguments:?}");
        let refused = remote(arguments, "");
        assert_eq!(refused.status.code(), Some(3), "{arguments:?}");
        assert!(err(&refused).contains("DARKROOM_TOKEN"), "{}", err(&refused));
    }
    assert!(remote(&["users", "add", "ann"], &key).status.success());
    let anns = remote(&["keys", "create", "ci", "--user", "ann"], &key);
    let ann = Client::new(&server.url).unwrap().with_token(Secret::new(out(&anns).trim()));
    assert_eq!(ann.me().await.unwrap().name, "ann");
    let listed = remote(&["keys", "list", "--json"], &key);
    let keys: Vec<KeyInfo> = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["ci", "laptop"]);
    assert!(remote(&["keys", "revoke", &keys[0].id], &key).status.success());
    assert_eq!(ann.me().await.unwrap_err().code(), Some(Code::InvalidToken));
    let in_use = ask(&["users", "list"]);
    assert!(in_use.status.code() == Some(3) && err(&in_use).contains("--server"), "{}", err(&in_use));
    crate::binary::write(folder.path(), "a.png", &crate::binary::png(9, 9, 1));
    let run = ["run", "thumbnail", "a.png", "--out", "results"];
    assert_eq!(remote(&run, "").status.code(), Some(3));
    assert!(remote(&run, &key).status.success());
}

#[tokio::test]
async fn the_first_start_on_an_open_address_makes_an_administrator_and_shows_the_password_once() {
    let folder = folder();
    let start = || {
        let mut child = darkroom(folder.path())
            .args(["serve", "--listen", "0.0.0.0:0"])
            .env("DARKROOM__LOG__FILTER", "debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (child, line.trim().rsplit(' ').next().unwrap().to_owned())
    };
    let stop = |mut child: std::process::Child| {
        child.kill().unwrap();
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        child.wait().unwrap();
        told
    };
    let (child, _) = start();
    let told = stop(child);
    let password =
        told.lines().find_map(|line| line.trim().strip_prefix("password")).expect("a password").trim();
    assert_eq!(told.matches(password).count(), 1, "{told}");
    let (child, url) = start();
    let client = Client::new(&url).unwrap();
    assert_eq!(client.stats().await.unwrap_err().code(), Some(Code::NotAuthenticated));
    let token = client.sign_in("admin", &Secret::new(password)).await.unwrap().access_token;
    let shown = token.reveal().to_owned();
    let admin = client.clone().with_token(token);
    assert_eq!(admin.users().await.unwrap().users.len(), 1);
    assert!(client.sign_in("admin", &Secret::new("not-the-password")).await.is_err());
    let told = stop(child);
    for secret in [password, &shown, "not-the-password"] {
        assert!(!told.contains(secret), "the second start tells nothing, and logs hold no secret:\n{told}");
    }
    // On a loopback address nobody needs a name, and nobody is made.
    let other = crate::binary::folder();
    let server = Server::start(other.path(), &[]);
    server.kill();
    assert_eq!(out(&answer(other.path(), &["users", "list"])).lines().count(), 1);
}
