//! What goes wrong on the way to the file, and what callers are told of it.

use darkroom_core::store::StoreError;
use rusqlite::ErrorCode;

/// Why a call did not do what it was asked.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The call cannot be served; nothing else is affected.
    Call(StoreError),
    /// The file failed; everything that shares the transaction is undone.
    File(rusqlite::Error),
}

impl Trouble {
    /// Where there is no call that could be told: whatever it is undoes the transaction.
    pub(super) fn of_file(self) -> rusqlite::Error {
        match self {
            Self::Call(error) => rusqlite::Error::ToSqlConversionFailure(Box::new(error)),
            Self::File(error) => error,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Call(error)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::File(error)
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Call(error) => error,
            Trouble::File(error) => told(error),
        }
    }
}

/// Something in the file is not what this program wrote.
pub(super) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Trouble {
    Trouble::Call(StoreError::Internal(error.into()))
}

pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}

/// A failure of the file in the words of the port.
pub(super) fn told(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        Some(ErrorCode::OperationInterrupted) => {
            StoreError::Unavailable("the question takes too long to answer; ask a narrower one".to_owned())
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unavailable("the database is busy".to_owned())
        }
        _ => StoreError::Internal(Box::new(error)),
    }
}

/// The same failure for each of those who shared a transaction.
pub(super) fn shared(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        _ => StoreError::Internal(format!("the transaction was undone: {error}").into()),
    }
}
