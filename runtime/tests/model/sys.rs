//! In the place of `crate::sys`: the calls that locks make, on the model's kernel.

/// Sleeping and waking.
pub(crate) mod futex {
    use real::time::Duration;

    use crate::kernel;
    use crate::locks::patience::NAP;
    use crate::sync::atomic::{AtomicU32, AtomicU64};

    pub(crate) fn wait(word: &AtomicU32, expected: u32, time: Duration) -> bool {
        wait_any(&[(word, expected)], time)
    }

    pub(crate) fn wait_any(words: &[(&AtomicU32, u32)], time: Duration) -> bool {
        kernel::sleep(words, time < NAP)
    }

    pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
        kernel::wake(word, count as usize)
    }

    pub(crate) fn wake_all(word: &AtomicU32) -> usize {
        kernel::wake(word, usize::MAX)
    }

    pub(crate) fn halves(word: &AtomicU64) -> [&AtomicU32; 2] {
        let first = real::ptr::from_ref(word).cast::<AtomicU32>();
        let places = if cfg!(target_endian = "little") { [0, 1] } else { [1, 0] };
        // SAFETY: both halves lie in `word`, and one real thread runs all of the model.
        places.map(|place| unsafe { &*first.wrapping_add(place) })
    }
}

/// The list of what a thread holds.
pub(crate) mod robust {
    use real::marker::PhantomData;

    use crate::kernel;
    use crate::sync::atomic::AtomicU32;

    pub(crate) const IN_USE: u32 = 2;
    const WORD_TO_LINKS: usize = 24;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Kind {
        Guard,
        Place,
        Member,
    }

    /// As large as the real ones, and as far behind their word.
    #[derive(Debug)]
    pub(crate) struct Links([usize; 2]);

    impl Links {
        pub(crate) const fn new() -> Self {
            Self([0; 2])
        }

        fn word(&self) -> usize {
            self.0.as_ptr().expose_provenance() - WORD_TO_LINKS
        }
    }

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Thread(u32);

    pub(crate) fn current() -> Thread {
        Thread(kernel::tid())
    }

    pub(crate) fn known() -> Thread {
        current()
    }

    #[allow(clippy::unused_self, reason = "as the real one has them")]
    impl Thread {
        pub(crate) fn tid(self) -> u32 {
            self.0
        }

        pub(crate) fn serial(self) -> u32 {
            self.0
        }

        /// `address` is that of the links.
        pub(crate) fn has_linked(self, address: usize) -> bool {
            kernel::is_listed(address - WORD_TO_LINKS)
        }

        pub(crate) fn has_list(self) -> bool {
            true
        }

        pub(crate) unsafe fn begin(self, links: &Links) {
            kernel::announce(links.word());
        }

        pub(crate) unsafe fn end(self) {
            kernel::announce(0);
        }

        pub(crate) unsafe fn link(self, links: &Links, _: Kind) {
            kernel::change_list(|list| list.push(links.word()));
        }

        pub(crate) unsafe fn unlink(self, links: &Links) {
            kernel::change_list(|list| list.retain(|word| *word != links.word()));
        }

        pub(crate) fn note(self, _: &Links, _: Kind) {}

        pub(crate) fn strike(self, _: &Links) {}
    }

    pub(crate) fn announce(word: &AtomicU32) -> Announcement<'_> {
        Announcement { before: kernel::announce(kernel::address_of(word)), _word: PhantomData }
    }

    #[derive(Debug)]
    pub(crate) struct Announcement<'a> {
        before: usize,
        _word: PhantomData<&'a AtomicU32>,
    }

    impl Drop for Announcement<'_> {
        fn drop(&mut self) {
            kernel::announce(self.before);
        }
    }

    pub(crate) fn withdraw_at_exit() {}
}

/// Where stacks are: guards do not leak here.
pub(crate) mod stack {
    pub(crate) fn holds(_: usize) -> bool {
        true
    }
}
