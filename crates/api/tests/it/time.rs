//! Instants on the wire.

use darkroom_api::Time;
use darkroom_core::Timestamp;

#[test]
fn instants_are_written_with_milliseconds_and_read_in_every_zone() {
    let shown = |ms: i64| Time(Timestamp::from_millis(ms)).to_string();
    assert_eq!(shown(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(shown(1_700_000_000_120), "2023-11-14T22:13:20.120Z");
    assert_eq!(shown(-1), "1969-12-31T23:59:59.999Z");
    for ms in [i64::MIN, i64::MAX] {
        assert!(shown(ms).ends_with('Z'));
    }
    let cases = [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00 01:00", 0),
        ("1970-01-01T00:00:00.1239Z", 123),
        ("1970-01-01t00:00:01z", 1_000),
    ];
    for (text, ms) in cases {
        assert_eq!(text.parse::<Time>().unwrap().0.as_millis(), ms, "{text}");
    }
    for text in ["", "now", "1970-01-01", "1970-13-01T00:00:00Z", "12345", "1970-01-01T00:00:00"] {
        assert!(text.parse::<Time>().is_err(), "{text}");
    }
}
