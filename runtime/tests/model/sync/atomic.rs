//! Atomics as in `core`, but that the scheduler is asked before each operation who goes on. Nothing is changed by the dead.

pub use real::sync::atomic::{Ordering, compiler_fence, fence};

use real::sync::atomic::Ordering::SeqCst;

use crate::kernel;

macro_rules! atomic {
    ($($name:ident $type:ty)*) => {$(
        #[derive(Debug, Default)]
        #[repr(transparent)]
        pub struct $name(real::sync::atomic::$name);

        #[allow(dead_code, reason = "not every operation is used with every size")]
        impl $name {
            pub const fn new(value: $type) -> Self {
                Self(real::sync::atomic::$name::new(value))
            }

            /// The value, when nobody else is to have a turn: for the kernel.
            pub fn peek(&self) -> $type {
                self.0.load(SeqCst)
            }

            /// The same, to write.
            pub fn poke(&self, value: $type) {
                self.0.store(value, SeqCst);
            }

            #[track_caller]
            pub fn load(&self, _: Ordering) -> $type {
                kernel::point();
                kernel::tell(self, format_args!("is {:#x}", self.peek()));
                self.peek()
            }

            #[track_caller]
            pub fn store(&self, value: $type, order: Ordering) {
                self.swap(value, order);
            }

            #[track_caller]
            pub fn swap(&self, value: $type, order: Ordering) -> $type {
                self.change(order, |_| value)
            }

            #[track_caller]
            pub fn compare_exchange(
                &self,
                old: $type,
                new: $type,
                _: Ordering,
                _: Ordering,
            ) -> Result<$type, $type> {
                if !kernel::point() {
                    // So that no loop goes on for ever.
                    return Ok(old);
                }
                let result = self.0.compare_exchange(old, new, SeqCst, SeqCst);
                kernel::tell(self, format_args!("from {old:#x} to {new:#x}: {result:x?}"));
                result
            }

            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                old: $type,
                new: $type,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$type, $type> {
                self.compare_exchange(old, new, success, failure)
            }

            #[track_caller]
            pub fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                mut change: impl FnMut($type) -> Option<$type>,
            ) -> Result<$type, $type> {
                let mut old = self.load(failure);
                while let Some(new) = change(old) {
                    match self.compare_exchange_weak(old, new, success, failure) {
                        Ok(old) => return Ok(old),
                        Err(now) => old = now,
                    }
                }
                Err(old)
            }

            #[track_caller]
            pub fn fetch_add(&self, value: $type, order: Ordering) -> $type {
                self.change(order, |old| old.wrapping_add(value))
            }

            #[track_caller]
            pub fn fetch_sub(&self, value: $type, order: Ordering) -> $type {
                self.change(order, |old| old.wrapping_sub(value))
            }

            #[track_caller]
            pub fn fetch_or(&self, value: $type, order: Ordering) -> $type {
                self.change(order, |old| old | value)
            }

            #[track_caller]
            pub fn fetch_and(&self, value: $type, order: Ordering) -> $type {
                self.change(order, |old| old & value)
            }

            #[track_caller]
            fn change(&self, _: Ordering, change: impl FnOnce($type) -> $type) -> $type {
                let alive = kernel::point();
                let old = self.peek();
                if alive {
                    self.poke(change(old));
                    kernel::tell(self, format_args!("from {old:#x} to {:#x}", self.peek()));
                }
                old
            }
        }
    )*};
}

atomic! { AtomicU32 u32 AtomicU64 u64 AtomicUsize usize }
