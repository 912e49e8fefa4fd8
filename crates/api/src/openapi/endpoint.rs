//! The words in which the table is written.

use std::fmt;

use crate::problem::Code;

/// What the groups of the classic services begin with. Their errors have forms of their own.
pub const CLASSIC: &str = "classic";

/// One method of one route.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path, with `{names}`. With and without a slash at the end it is the same route.
    pub path: &'static str,
    /// The group on the page.
    pub group: &'static str,
    /// What it does, in a sentence. The first of them names the operation.
    pub about: &'static str,
    /// Who may ask. `None` is nobody: an endpoint that forgot to say is closed, and a test finds it.
    pub access: Option<Access>,
    /// What the path, query and headers may say.
    pub parameters: &'static [Parameter],
    /// What the body may be; empty is no body.
    pub bodies: &'static [Content],
    /// The answers that are no problem.
    pub answers: &'static [Answer],
    /// What can go wrong.
    pub problems: &'static [Code],
}

/// Who may ask. What callers without a name may do is a setting of the server (`auth.anonymous`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without being asked who they are: probes, documentation, signing in.
    Open,
    /// Operators, or everybody if the server is told so (`auth.open_metrics`).
    Metrics,
    /// Every caller, for what is their own.
    User,
    /// As [`Access::User`], or whoever has a signed address.
    Signed,
    /// Every caller who has signed in.
    SignedIn,
    /// Operators and administrators.
    Operator,
    /// Administrators.
    Admin,
}

/// A method that is used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the methods of HTTP")]
pub enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    /// As `OpenAPI` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub shape: Shape,
    /// What it does.
    pub about: &'static str,
}

/// Where a parameter stands. Only those of the path are required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the places of OpenAPI")]
pub enum Place {
    Path,
    Query,
    Header,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Any text.
    Text,
    /// A job's id.
    Id,
    /// An instant.
    Time,
    /// A whole number between bounds.
    Whole(i64, i64),
    /// A number between bounds.
    Number(f64, f64),
    /// Text that matches a pattern.
    Pattern(&'static str),
    /// One of the words of this schema of the document.
    Word(&'static str),
    /// Several of those, separated by commas.
    Words(&'static str),
}

/// A body of one media type.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// JSON that matches this schema of the document.
    Json(&'static str),
    /// JSON that matches this schema, written out.
    JsonAs(&'static str),
    /// `multipart/form-data` with these parts: name, schema written out.
    Form(&'static [(&'static str, &'static str)]),
    /// `application/x-www-form-urlencoded` that matches this schema, written out.
    Fields(&'static str),
    /// Bytes of this media type.
    Bytes(&'static str),
    /// Text of this media type.
    Text(&'static str),
    /// Server-sent events whose data is JSON.
    Events,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// When it is given.
    pub about: &'static str,
    /// What is in it; empty is no body.
    pub contents: &'static [Content],
    /// Headers beyond those of every answer: name, meaning.
    pub headers: &'static [(&'static str, &'static str)],
}

impl Endpoint {
    pub(super) const fn get(path: &'static str, group: &'static str, about: &'static str) -> Self {
        Self::new(Method::Get, path, group, about)
    }

    pub(super) const fn post(path: &'static str, group: &'static str, about: &'static str) -> Self {
        Self::new(Method::Post, path, group, about)
    }

    pub(super) const fn delete(path: &'static str, group: &'static str, about: &'static str) -> Self {
        Self::new(Method::Delete, path, group, about)
    }

    const fn new(method: Method, path: &'static str, group: &'static str, about: &'static str) -> Self {
        Self {
            method,
            path,
            group,
            about,
            access: None,
            parameters: &[],
            bodies: &[],
            answers: &[],
            problems: &[],
        }
    }

    pub(super) const fn needs(self, access: Access) -> Self {
        Self { access: Some(access), ..self }
    }

    pub(super) const fn takes(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    pub(super) const fn body(self, bodies: &'static [Content]) -> Self {
        Self { bodies, ..self }
    }

    pub(super) const fn answers(self, answers: &'static [Answer]) -> Self {
        Self { answers, ..self }
    }

    pub(super) const fn problems(self, problems: &'static [Code]) -> Self {
        Self { problems, ..self }
    }
}

pub(super) const fn path(name: &'static str, shape: Shape, about: &'static str) -> Parameter {
    Parameter { place: Place::Path, name, shape, about }
}

pub(super) const fn query(name: &'static str, shape: Shape, about: &'static str) -> Parameter {
    Parameter { place: Place::Query, name, shape, about }
}

pub(super) const fn header(name: &'static str, shape: Shape, about: &'static str) -> Parameter {
    Parameter { place: Place::Header, name, shape, about }
}

pub(super) const fn answer(status: u16, about: &'static str, contents: &'static [Content]) -> Answer {
    Answer { status, about, contents, headers: &[] }
}

impl Answer {
    pub(super) const fn with(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }
}
