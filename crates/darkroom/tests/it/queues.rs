//! `darkroom queues`, against a server as its users start it.

use serde_json::Value;

use crate::binary::{Server, answer, err, folder, out};

#[test]
fn a_queue_is_limited_held_and_let_go_from_the_command_line() {
    let folder = folder();
    let server = Server::start_at(folder.path(), &[], "127.0.0.1:0");
    let ask = |typed: &[&str]| {
        let answer = answer(folder.path(), &[&["queues"], typed, &["--server", &server.url]].concat());
        (answer.status.code(), format!("{}{}", out(&answer), err(&answer)))
    };
    let told = || {
        let (code, text) = ask(&["list", "--json"]);
        assert_eq!(code, Some(0), "{text}");
        let queue = serde_json::from_str::<Value>(&text).unwrap()["queues"][0].clone();
        (queue["name"].clone(), queue["paused"].clone(), queue["max_running"].clone())
    };
    let (code, text) = ask(&["limit", "nightly/big", "4"]);
    assert!(code == Some(0) && text.contains("4 at a time"), "{text}");
    assert_eq!(told(), (Value::from("nightly/big"), Value::from(false), Value::from(4)));
    assert_eq!(ask(&["pause", "nightly/big"]).0, Some(0));
    let (_, shown) = ask(&["list"]);
    assert!(shown.contains("nightly/big") && shown.contains("paused") && shown.contains("0 of 4"), "{shown}");
    assert_eq!(ask(&["resume", "nightly/big"]).0, Some(0));
    assert_eq!(ask(&["limit", "nightly/big", "none"]).0, Some(0));
    assert_eq!(told(), (Value::from("nightly/big"), Value::from(false), Value::Null));
    let (code, text) = ask(&["limit", "nightly/big", "0"]);
    assert!(code == Some(2) && text.contains("1 to 100000"), "{text}");
    let (code, text) = ask(&["pause", "no spaces"]);
    assert!(code == Some(3) && text.contains("change what was typed"), "{code:?} {text}");
}
