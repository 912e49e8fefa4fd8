//! A section is a struct whose fields know their key, their sentence and their default: one declaration feeds the
//! file, the environment, the flags, the error messages and the reference page.

use std::fmt;

use super::Value;

/// One settable thing.
pub struct Setting<'a> {
    /// Its key within the section.
    pub key: &'static str,
    /// Its sentence in the reference.
    pub about: &'static str,
    /// Where it is kept.
    pub value: &'a mut dyn Value,
}

/// What one component can be told. Made by [`settings!`](crate::settings).
pub trait Section {
    /// The table in the file and the first part of every key.
    fn name(&self) -> &'static str;

    /// Its sentence in the reference.
    fn about(&self) -> &'static str;

    /// Its settings, in the order of the reference.
    fn settings(&mut self) -> Vec<Setting<'_>>;
}

/// Something that is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// `section.key`.
    pub key: String,
    /// What is wrong and what would be right.
    pub what: String,
}

impl Mistake {
    /// A mistake in the setting `key` (`section.key`).
    pub fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// Declares a section: `settings! { /// About. pub struct Config in "name" { /// About. key: Type = default, } }`.
///
/// The component adds `validate(&self) -> Vec<Mistake>` for the rules between values.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident in $section:literal {
            $( $(#[doc = $field_about:literal])+ $field:ident : $ty:ty = $default:expr, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $field_about])+ pub $field: $ty, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::config::Section for $name {
            fn name(&self) -> &'static str {
                $section
            }

            fn about(&self) -> &'static str {
                concat!($($about),+)
            }

            fn settings(&mut self) -> Vec<$crate::config::Setting<'_>> {
                vec![$( $crate::config::Setting {
                    key: stringify!($field),
                    about: concat!($($field_about),+),
                    value: &mut self.$field,
                } ),+]
            }
        }
    };
}
