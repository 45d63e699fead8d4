//! What may live in shared memory.

use syn::DeriveInput;

use crate::errors::Errors;

/// Refuses fields that mean nothing in another process.
pub(crate) fn check(_data: &DeriveInput, _errors: &mut Errors) {}
