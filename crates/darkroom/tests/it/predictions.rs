use darkroom_api::{
    Client, Prediction, PredictionOutcome, PredictionPage,
    client::{Options, Upload},
};
use darkroom_core::{Operation, operation::Digit};

use crate::binary::{Server, answer, err, folder, out, png};

#[tokio::test]
async fn the_log_of_a_server_is_listed_and_exported() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let client = Client::new(&server.url).unwrap();
    // There is no runtime in this folder: a question that fails is in the log like any other.
    let asked = vec![Operation::Digit(Digit::default())];
    let upload = Upload::bytes(png(20, 20, 1), "=1+2.png", asked);
    let job = client.submit(upload, &Options::default()).await.unwrap().summary.id;
    client.wait(&job).await.unwrap();
    let ask = |arguments: &[&str]| {
        let done = answer(folder.path(), &[&["predictions"], arguments, &["--server", &server.url]].concat());
        assert!(done.status.success(), "{arguments:?}: {}", err(&done));
        out(&done)
    };
    let shown = ask(&["list", "--outcome", "failed"]);
    assert!(shown.contains("digits@1") && shown.contains("model_missing"), "{shown}");
    let page: PredictionPage = serde_json::from_str(&ask(&["list", "--json"])).unwrap();
    let [entry] = &page.predictions[..] else { panic!("{page:?}") };
    assert_eq!((entry.job.as_ref(), entry.outcome), (Some(&job), PredictionOutcome::Failed));
    let nothing: PredictionPage =
        serde_json::from_str(&ask(&["list", "--json", "--surface", "infer", "--label", "7"])).unwrap();
    assert_eq!(nothing.predictions, []);
    let lines = ask(&["export", "--model", "digits"]);
    assert_eq!(serde_json::from_str::<Prediction>(lines.trim()).unwrap(), *entry);
    let file = folder.path().join("log.csv");
    ask(&["export", "--format", "csv", "--out", file.to_str().unwrap()]);
    let table = std::fs::read_to_string(file).unwrap();
    assert!(table.starts_with("id,at,") && table.contains("\"'=1+2.png\""), "{table}");
    let wrong = answer(folder.path(), &["predictions", "list", "--surface", "moon"]);
    assert!(err(&wrong).contains("is one of job, predict, digit, compare, infer"), "{}", err(&wrong));
}
