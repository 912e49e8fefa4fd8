//! Logs: text for people, one JSON object a line for machines.

use std::io::{self, IsTerminal, Write};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use super::Config;

/// Sends the process's logs to standard error, as `config` says. The first call wins; tests may call it again.
pub fn install(config: &Config) {
    let filter: Targets = config.filter.parse().unwrap_or_default();
    let text = match config.format.as_str() {
        "text" => true,
        "json" => false,
        _ => io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let installed = if text {
        let layer =
            tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
        registry.with(layer).try_init()
    } else {
        registry.with(JsonLines { write: |line: &[u8]| io::stderr().write_all(line) }).try_init()
    };
    // An error means that there is a subscriber already.
    drop(installed);
}

/// One object a line: `time` (RFC 3339), `level`, `message`, `target`, then the fields of the spans around the event
/// (`request_id`, `job_id`, …), outermost first, then its own.
struct JsonLines<W> {
    write: W,
}

/// The fields of a span, kept with it.
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: Fn(&[u8]) -> io::Result<()> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        line.insert("time".to_owned(), Value::String(now()));
        line.insert("level".to_owned(), json!(event.metadata().level().as_str()));
        line.insert("message".to_owned(), Value::Null);
        line.insert("target".to_owned(), json!(event.metadata().target()));
        for span in
            context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(Fields(fields)) = span.extensions().get::<Fields>() {
                line.extend(fields.clone());
            }
        }
        let mut fields = Fields(line);
        event.record(&mut fields);
        let mut text = Value::Object(fields.0).to_string();
        text.push('\n');
        // Nothing can be said about a log that cannot be written.
        let _ = (self.write)(text.as_bytes());
    }
}

fn now() -> String {
    let mut text = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        // The causes are what helps; a chain is bounded by the errors that make it.
        let causes = std::iter::successors(Some(value), |error| error.source());
        let text: Vec<String> = causes.map(ToString::to_string).collect();
        self.put(field, Value::String(text.join(": ")));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_line_carries_time_level_message_and_the_ids_of_its_spans() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let write = move |line: &[u8]| sink.lock().unwrap().write_all(line);
        let subscriber = tracing_subscriber::registry().with(JsonLines { write });
        tracing::subscriber::with_default(subscriber, || {
            let request = tracing::info_span!("request", request_id = "r-1");
            let _inside = request.enter();
            tracing::info_span!("attempt", job_id = "j-1")
                .in_scope(|| tracing::warn!(tries = 3, "slow \"disk\""));
        });
        let text = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        let line: Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
        let time = line["time"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
        let expected = ["WARN", "slow \"disk\"", "r-1", "j-1"];
        assert_eq!(
            ["level", "message", "request_id", "job_id"].map(|key| line[key].as_str().unwrap()),
            expected
        );
        assert_eq!(line["tries"], 3);
    }
}
