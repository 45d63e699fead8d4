//! Calling the methods of a locked value without locking it by hand: what `#[shared] impl` expands into.
//!
//! What the macro emits for `#[shared] impl Account { pub fn deposit(&mut self, n: i64) -> i64 { … } }`, beside the
//! block itself, which stays as it is (`p` stands for `::offspring::__private`):
//!
//! ```text
//! const _: () = {
//!     /// The methods of `Account`, each one locked step.
//!     #[repr(transparent)]
//!     #[allow(missing_debug_implementations, unnameable_types, unreachable_pub)]
//!     pub struct AccountMethods(::offspring::sync::Mutex<Account>);
//!
//!     // SAFETY: a transparent wrapper around exactly `Mutex<Account>`.
//!     unsafe impl p::Locked for Account { type Methods = AccountMethods; }
//!
//!     impl AccountMethods {
//!         /// (docs and attributes of `deposit`)
//!         pub fn deposit(&self, n: i64) -> ::core::result::Result<i64, ::offspring::sync::LockError> {
//!             let mut guard = self.0.lock().map_err(::offspring::sync::LockError::without_guard)?;
//!             ::core::result::Result::Ok(Account::deposit(&mut guard, n))
//!         }
//!     }
//! };
//! ```
//! For a method with `&self` the receiver is `&guard`; `self.0.lock()` is an inherent method of `Mutex`, so that no trait
//! needs to be in scope. Visibility of each method is that of the original. Associated functions without a receiver
//! and methods with `self` by value are not repeated. One `#[shared] impl` block a type. Names that `Mutex` has itself
//! (`lock`, `try_lock`, `try_lock_for`, `try_lock_until`, `is_locked`, `is_consistent`, `holder`, `holder_thread`, `get_mut`, `into_inner`)
//! would be hidden by its own methods: the macro refuses them. A method that returns a reference into `self` cannot be
//! called this way, because the lock is given back before it returns: the macro refuses it too.
//!
//! # Safety
//! The one cast is sound because [`Locked`] is an unsafe promise about the layout of its `Methods`.

#![allow(unsafe_code, reason = "a cast between a type and its transparent wrapper")]

use std::ops::Deref;
use std::ptr;

use super::mutex::Mutex;
use crate::memory::Shareable;

/// A type whose methods can be called on a [`Mutex`] of it; `#[shared] impl` implements it.
///
/// # Safety
/// `Methods` is `#[repr(transparent)]` around exactly `Mutex<Self>`.
pub unsafe trait Locked: Shareable + Sized {
    /// A view of `Mutex<Self>` with the methods of `Self`, each of which locks first.
    type Methods: 'static;
}

impl<T: Locked> Deref for Mutex<T> {
    type Target = T::Methods;

    #[inline]
    fn deref(&self) -> &T::Methods {
        const { assert!(size_of::<T::Methods>() == size_of::<Self>()) };
        // SAFETY: the implementor of `Locked` promises the same layout and the same contents; the lifetime and
        // the kind of access stay those of `self`.
        unsafe { &*ptr::from_ref(self).cast::<T::Methods>() }
    }
}
