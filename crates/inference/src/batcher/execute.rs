//! What a thread does with the requests that it took.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{Answer, Ask, Request, Run, Shop, reply::Reply};
use crate::{
    InferenceError,
    engine::{EngineError, Session},
    image,
    load::Signature,
    tensor::{Named, Tensor},
};

/// Why a thread stopped taking requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There will be no more.
    Closed,
    /// The engine panicked: its session is not to be trusted any more.
    Crashed,
}

/// Inputs in the order of the model's, and who wants the outputs.
struct Fitting {
    inputs: Vec<Tensor>,
    reply: Reply,
}

pub(super) fn until_crash(shop: &Shop, session: &mut dyn Session, signature: &Arc<Signature>) -> End {
    let mut worker = Worker { shop, session, signature, most: signature.batch, answers: Vec::new() };
    shop.queue.idle();
    while let Some(requests) = shop.queue.take(worker.most) {
        let fitting = worker.sort(requests);
        let ran = worker.all(fitting);
        if ran == Ran::Fine {
            shop.queue.idle();
        }
        for (reply, answer) in worker.answers.drain(..) {
            reply.send(answer);
        }
        if ran == Ran::Crashed {
            return End::Crashed;
        }
    }
    End::Closed
}

/// The image's tensor in the kind that the model takes.
fn cast(tensor: Tensor, signature: &Signature, name: &str) -> Result<Tensor, String> {
    let kind = signature.inputs.iter().find(|info| info.name == name).map(|info| info.element_type);
    let (shape, data) = tensor.into_parts();
    let data = image::cast(data, kind.ok_or_else(|| format!("there is no input `{name}`"))?)?;
    Tensor::new(shape, data).ok_or_else(|| "an image changed its size".to_owned())
}

/// The inputs in the order of the model's, each once, each fitting.
fn in_order(mut given: Vec<Named>, signature: &Signature) -> Result<Vec<Tensor>, String> {
    let mut inputs = Vec::with_capacity(signature.inputs.len());
    for info in &signature.inputs {
        let at = given.iter().position(|(name, _)| *name == info.name);
        let (_, tensor) = given.swap_remove(at.ok_or_else(|| format!("input `{}` is missing", info.name))?);
        info.check(&tensor)?;
        inputs.push(tensor);
    }
    match given.first() {
        Some((name, _)) if signature.inputs.iter().any(|info| info.name == *name) => {
            Err(format!("input `{name}` is given twice"))
        }
        Some((name, _)) => Err(format!("there is no input `{name}`")),
        None => Ok(inputs),
    }
}

struct Worker<'a> {
    shop: &'a Shop,
    session: &'a mut dyn Session,
    signature: &'a Arc<Signature>,
    /// Requests that share a run; 1 once the model turned out not to keep them apart.
    most: usize,
    /// Sent when the thread is idle again.
    answers: Vec<(Reply, Result<Answer, InferenceError>)>,
}

/// How a run ended, as far as the thread is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ran {
    /// Its session can be used on.
    Fine,
    Crashed,
}

impl Worker<'_> {
    /// Answers what needs no run, and leaves the rest.
    fn sort(&mut self, requests: Vec<Request>) -> Vec<Fitting> {
        let mut fitting = Vec::with_capacity(requests.len());
        for Request { ask, reply } in requests {
            let inputs = match ask {
                Ask::Ready => {
                    self.answers.push((reply, Ok(Answer::Ready(Arc::clone(self.signature)))));
                    continue;
                }
                Ask::Tensors(inputs) => {
                    in_order(inputs, self.signature).and_then(|inputs| self.numbers(inputs))
                }
                Ask::Image((name, tensor)) => cast(tensor, self.signature, &name)
                    .and_then(|tensor| in_order(vec![(name, tensor)], self.signature)),
            };
            match inputs {
                Ok(inputs) => fitting.push(Fitting { inputs, reply }),
                Err(what) => self.answers.push((reply, Err(InferenceError::BadInput(what)))),
            }
        }
        fitting
    }

    /// Pixels are numbers. What other models make of NaN is their business: for some it means that a value is missing.
    fn numbers(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, String> {
        let pixels = self.shop.loader.description.manifest.image.is_some();
        match inputs.iter().zip(&self.signature.inputs).find(|(input, _)| pixels && input.has_nan()) {
            Some((_, info)) => Err(format!("input `{}` has values that are no numbers", info.name)),
            None => Ok(inputs),
        }
    }

    /// Together where that works, else one after the other: what is wrong with one request is no other's business.
    fn all(&mut self, requests: Vec<Fitting>) -> Ran {
        if requests.len() > 1
            && let Some((inputs, rows)) = stacked(&requests)
        {
            match self.run(&inputs, &requests) {
                Outcome::Outputs(outputs) => match apart(outputs, &rows) {
                    Some(answers) => return self.answer(requests, answers),
                    // Its outputs have no row for each input: a batch is no batch to it.
                    None => self.most = 1,
                },
                Outcome::Late => return Ran::Fine,
                Outcome::Failed(_) => {}
                Outcome::Crashed(error) => return self.crashed(requests.into_iter(), &error),
            }
        }
        self.one_by_one(requests)
    }

    fn one_by_one(&mut self, requests: Vec<Fitting>) -> Ran {
        let mut requests = requests.into_iter();
        while let Some(request) = requests.next() {
            let outcome = self.run(&request.inputs, std::slice::from_ref(&request));
            match outcome {
                Outcome::Outputs(outputs) => self.answers.push((request.reply, Ok(Answer::Tensors(outputs)))),
                Outcome::Late => {}
                Outcome::Failed(error) => self.answers.push((request.reply, Err(error))),
                Outcome::Crashed(error) => {
                    self.answers.push((request.reply, Err(error.clone())));
                    return self.crashed(requests, &error);
                }
            }
        }
        Ran::Fine
    }

    fn answer(&mut self, requests: Vec<Fitting>, answers: Vec<Vec<Named>>) -> Ran {
        let answers = answers.into_iter().map(|outputs| Ok(Answer::Tensors(outputs)));
        self.answers.extend(requests.into_iter().map(|request| request.reply).zip(answers));
        Ran::Fine
    }

    fn crashed(&mut self, requests: impl Iterator<Item = Fitting>, error: &InferenceError) -> Ran {
        self.answers.extend(requests.map(|request| (request.reply, Err(error.clone()))));
        Ran::Crashed
    }

    fn run(&mut self, inputs: &[Tensor], requests: &[Fitting]) -> Outcome {
        let model = || self.shop.loader.id.clone();
        let named: Vec<(&str, &Tensor)> =
            self.signature.inputs.iter().map(|info| info.name.as_str()).zip(inputs).collect();
        let watched = self.shop.loader.house.watch.over(Run {
            model: self.shop.loader.id.clone(),
            allowed: self.shop.loader.house.run_time,
            stop: self.session.stopper(),
            replies: requests.iter().map(|request| request.reply.clone()).collect(),
        });
        let outcome = catch_unwind(AssertUnwindSafe(|| self.session.run(&named)));
        match outcome {
            Err(_) => {
                let detail = "the engine panicked".to_owned();
                Outcome::Crashed(InferenceError::Crashed { model: model(), detail })
            }
            // Whoever is late has been told so; this tells the thread that it needs another session.
            Ok(Err(EngineError::Crashed(what))) => {
                Outcome::Crashed(InferenceError::Crashed { model: model(), detail: what })
            }
            Ok(_) if watched.is_late() => Outcome::Late,
            Ok(Ok(outputs)) => Outcome::Outputs(outputs),
            Ok(Err(error)) => {
                Outcome::Failed(InferenceError::Failed { model: model(), detail: error.to_string() })
            }
        }
    }
}

/// What became of one run.
enum Outcome {
    Outputs(Vec<Named>),
    /// The callers have been told.
    Late,
    Failed(InferenceError),
    Crashed(InferenceError),
}

/// All requests as one, with the rows of each; `None` where they cannot share a run.
fn stacked(requests: &[Fitting]) -> Option<(Vec<Tensor>, Vec<usize>)> {
    let rows: Vec<usize> =
        requests.iter().map(|request| request.inputs.first()?.rows()).collect::<Option<_>>()?;
    let even =
        |(request, rows): (&Fitting, &usize)| request.inputs.iter().all(|input| input.rows() == Some(*rows));
    if !requests.iter().zip(&rows).all(even) {
        return None;
    }
    let inputs = requests.first()?.inputs.len();
    let stack = |i| Tensor::stack(requests.iter().map(move |request| &request.inputs[i]));
    Some(((0..inputs).map(stack).collect::<Option<_>>()?, rows))
}

/// The outputs of each request; `None` where an output has not one row for each row of the inputs.
fn apart(outputs: Vec<Named>, rows: &[usize]) -> Option<Vec<Vec<Named>>> {
    let mut answers = vec![Vec::with_capacity(outputs.len()); rows.len()];
    for (name, tensor) in outputs {
        for (answer, part) in answers.iter_mut().zip(tensor.unstack(rows)?) {
            answer.push((name.clone(), part));
        }
    }
    Some(answers)
}
