//! One thread with one session.

use std::{sync::Arc, thread};

use super::{Shop, execute};
use crate::{InferenceError, engine::Session, load::Signature};

/// A session that crashed is loaded again so many times before the model is given up.
const CRASHES: u32 = 3;

/// Starts a thread that the queue has counted.
pub(super) fn start(shop: &Arc<Shop>) {
    let inside = Arc::clone(shop);
    let started = thread::Builder::new().name("inference".to_owned()).spawn(move || run(&inside));
    if let Err(error) = started {
        shop.queue.leave();
        // Whoever is running takes over; with nobody there, nobody ever would.
        if !shop.queue.is_loaded() {
            let detail = format!("no thread can be started: {error}");
            shop.queue.fail(&InferenceError::Failed { model: shop.loader.id.clone(), detail });
        }
    }
}

fn run(shop: &Shop) {
    let _leaves = Leaves(shop);
    let first = !shop.queue.is_loaded();
    let session = if first { load_first(shop) } else { load_another(shop) };
    let Some(mut session) = session else { return };
    let mut crashes = 0;
    while execute::until_crash(shop, session.0.as_mut(), &session.1) == execute::End::Crashed {
        crashes += 1;
        let again = if crashes < CRASHES { shop.loader.another() } else { Err(given_up(shop)) };
        match again {
            Ok(loaded) => session = loaded,
            Err(error) => return shop.queue.fail(&error),
        }
    }
}

type Loaded = (Box<dyn Session>, Arc<Signature>);

fn load_first(shop: &Shop) -> Option<Loaded> {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| shop.loader.first()));
    let outcome = outcome.unwrap_or_else(|_| Err(shop.loader.bad("loading it crashed")));
    match outcome {
        Ok((loaded, sessions)) => {
            shop.queue.loaded(sessions);
            Some(loaded)
        }
        Err(error) => {
            tracing::warn!(model = %shop.loader.id, %error, "a model cannot be loaded");
            shop.queue.fail(&error);
            None
        }
    }
}

/// There is a session already: without this one, things only take longer.
fn load_another(shop: &Shop) -> Option<Loaded> {
    let loaded = shop.loader.another();
    if let Err(error) = &loaded {
        tracing::warn!(model = %shop.loader.id, %error, "a further session cannot be loaded");
    }
    loaded.ok()
}

fn given_up(shop: &Shop) -> InferenceError {
    InferenceError::Failed { model: shop.loader.id.clone(), detail: format!("it crashed {CRASHES} times") }
}

/// Uncounts the thread however it ends.
struct Leaves<'a>(&'a Shop);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.queue.leave();
    }
}
