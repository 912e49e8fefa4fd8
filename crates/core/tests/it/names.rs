use darkroom_core::{
    BlobId, JobId, Timestamp,
    job::{FileName, QueueName},
};

#[test]
fn a_file_name_is_never_a_path() {
    let clean = |sent: &str| FileName::clean(sent).map(|name| name.as_str().to_owned());
    assert_eq!(clean("../../etc/passwd").as_deref(), Some("passwd"));
    assert_eq!(clean(r"C:\photos\me.jpg").as_deref(), Some("me.jpg"));
    assert_eq!(clean("a\r\nX-Evil: 1.png").as_deref(), Some("aX-Evil: 1.png"));
    assert_eq!(clean("写真 1.jpg").as_deref(), Some("写真 1.jpg"));
    for nothing in ["", "..", "/", "a/..", "\0", "   "] {
        assert_eq!(clean(nothing), None, "{nothing:?}");
    }
    assert_eq!(clean(&"é".repeat(5_000)).unwrap().chars().count(), 255);
}

#[test]
fn a_file_name_has_a_stem_and_an_extension() {
    let parts = |sent: &str| {
        let name = FileName::clean(sent).unwrap();
        (name.stem().to_owned(), name.extension())
    };
    assert_eq!(parts("holiday.final.JPG"), ("holiday.final".to_owned(), Some("jpg".to_owned())));
    assert_eq!(parts("README"), ("README".to_owned(), None));
    assert_eq!(parts(".hidden"), (".hidden".to_owned(), None));
}

#[test]
fn tokens_are_short_and_plain() {
    assert!("nightly-imports".parse::<QueueName>().is_ok());
    for bad in ["", "a b", "a\nb", "ü", &"x".repeat(101)] {
        assert!(bad.parse::<QueueName>().is_err(), "{bad:?}");
    }
}

#[test]
fn ids_survive_text_and_bytes() {
    let job = JobId::new(Timestamp::from_millis(1_700_000_000_000));
    assert_eq!(job.to_string().parse(), Ok(job));
    assert_eq!(JobId::from_bytes(*job.as_bytes()), job);
    // FIPS 180-4: the SHA-256 of the empty message.
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(BlobId::of(b"").to_string(), empty);
    assert_eq!(empty.parse(), Ok(BlobId::of(b"")));
    assert!(empty[1..].parse::<BlobId>().is_err());
}

#[test]
fn ids_sort_by_time() {
    let ids: Vec<_> = (0..100).map(|ms| JobId::new(Timestamp::from_millis(1_000_000 + ms))).collect();
    assert!(ids.is_sorted());
}
