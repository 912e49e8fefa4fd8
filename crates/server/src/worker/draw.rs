//! What the threads for pixels do of an attempt, in one go: header, admission, one decode for all thumbnails and one for
//! all models, and writing the files that came of it.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use darkroom_core::job::{Input, Job};
use darkroom_imaging::{Guard, Inspected, Limits};

use super::{
    Workshop,
    failure::Broken,
    memory::{MemoryBudget, Reservation},
    stop::StopSign,
    work::{File, Pace, Step, Work},
};
use crate::blobs::{BlobError, Blobs, Held};

/// What came of the pixels.
pub(super) struct Drawn {
    pub(super) steps: Result<Vec<Step>, Broken>,
    pub(super) times: Times,
    /// Memory of frames that models still look at.
    pub(super) held: Option<Reservation>,
}

/// Where the time went.
pub(super) struct Times {
    /// The input, as far as it is taken in whole, and the header.
    pub(super) read: Duration,
    /// For a thread and for memory.
    pub(super) waited: Duration,
    /// When the work on pixels began.
    pub(super) started: Instant,
    pub(super) pace: Pace,
    /// The files.
    pub(super) wrote: Duration,
}

/// Reads the header, waits for memory if there is none, does the pixel work and asks the models.
pub(super) async fn draw(shop: &Workshop, job: &Job, work: Work, sign: &StopSign) -> Result<Drawn, Broken> {
    let input = job.input.clone();
    let (limits, blobs, memory) = (shop.limits.clone(), shop.blobs.clone(), shop.memory.clone());
    let desk = Desk { work, limits, stop: sign.flag(), blobs, asked: Instant::now(), read: Duration::ZERO };
    match shop.pool.run(move || desk.begin(&input, &memory)).await?? {
        Reached::End(drawn) => Ok(*drawn),
        Reached::Admission(desk, opened, bytes) => {
            let reservation = tokio::select! {
                biased;
                () = sign.stopped() => return Err(Broken::Stopped),
                reserved = shop.memory.reserve(bytes) => reserved?,
            };
            Ok(shop.pool.run(move || desk.draw(&opened.0, reservation)).await?)
        }
    }
}

/// How far a thread got.
enum Reached {
    End(Box<Drawn>),
    /// There was no room for so many bytes.
    Admission(Box<Desk>, Box<(Inspected, Held)>, u64),
}

/// What a thread needs.
struct Desk {
    work: Work,
    limits: Limits,
    stop: Arc<AtomicBool>,
    blobs: Blobs,
    /// When a thread was asked for.
    asked: Instant,
    /// How long the header took.
    read: Duration,
}

impl Desk {
    fn begin(mut self, input: &Input, memory: &MemoryBudget) -> Result<Reached, Broken> {
        let began = Instant::now();
        let held = self.blobs.input(input)?;
        let image = Inspected::new(held.source.clone(), self.limits.clone())?;
        self.read = began.elapsed();
        let bytes = self.work.memory_needed(&image) + held.memory();
        Ok(match memory.try_reserve(bytes)? {
            Some(reservation) => Reached::End(Box::new(self.draw(&image, reservation))),
            None => Reached::Admission(Box::new(self), Box::new((image, held)), bytes),
        })
    }

    fn draw(self, image: &Inspected, reservation: Reservation) -> Drawn {
        let started = Instant::now();
        let guard = Guard::new(self.limits.decode_time, Arc::clone(&self.stop));
        let mut pace = Pace::default();
        let steps = self.work.done(image, &guard, &mut pace);
        let held = self.work.holds_frames().then_some(reservation);
        let writing = Instant::now();
        let steps = steps.and_then(|steps| self.written(steps));
        let waited = (started - self.asked).saturating_sub(self.read);
        let times = Times { read: self.read, waited, started, pace, wrote: writing.elapsed() };
        Drawn { steps, times, held }
    }

    /// Writes the files here: one trip to a thread is enough for a thumbnail.
    fn written(&self, mut steps: Vec<Step>) -> Result<Vec<Step>, Broken> {
        for step in &mut steps {
            let Step::Done(product) = step else { continue };
            let files = std::mem::take(&mut product.files).into_iter();
            let written = files.map(|file| Ok(File { content: file.content.written(&self.blobs)?, ..file }));
            product.files = written.collect::<Result<_, BlobError>>()?;
        }
        Ok(steps)
    }
}
