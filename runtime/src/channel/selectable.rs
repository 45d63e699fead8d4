//! What can be selected, and what that means for each kind: when it is ready, and what to sleep on until then.

use std::fmt::Debug;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicU32;

use super::joinable::JoinableQueue;
use super::queue::Queue;
use super::users::Side;
use crate::sync::Event;
use crate::sync::gate::Gate;
use crate::sync::handles;

/// What [`select`](crate::select) can wait for.
///
/// | | ready when |
/// | --- | --- |
/// | [`Queue`], [`JoinableQueue`] | an item is there to be taken; or none will ever come, because it was closed, or nobody else is left |
/// | [`Event`](handles::Event), [`sync::Event`](Event) | it is set, or was set since the call began |
/// | [`Process`](crate::Process) | it has ended |
/// | [`Connection`](crate::Connection) | a message is there to be received; or the other side is gone |
/// | [`Listener`](crate::Listener) | a client knocks |
/// | all else that is [`AsFd`]: sockets, pipes, files | it can be read without waiting; or it is at its end, or broken |
///
/// It cannot be implemented elsewhere: what is to be selected lends a descriptor, by `AsFd`.
pub trait Selectable {
    #[doc(hidden)]
    fn source(&self) -> Source<'_>;
}

/// One thing that is waited for.
#[allow(unnameable_types, reason = "so that nobody else can implement `Selectable`")]
#[derive(Debug)]
pub struct Source<'a>(pub(crate) Kind<'a>);

/// The two ways to wait.
#[derive(Debug)]
pub(crate) enum Kind<'a> {
    Descriptor(BorrowedFd<'a>),
    Words(Words<'a>),
}

/// What shows in words of shared memory.
#[derive(Debug)]
pub(crate) enum Words<'a> {
    Queue(&'a dyn AnyQueue),
    /// An event, and the count of its changes when the wait began.
    Event(&'a Event, u32),
}

/// A queue, whatever its items are, as one sees it who waits for an item.
pub(crate) trait AnyQueue: Debug {
    fn is_ready(&self) -> bool;
    fn is_deserted(&self) -> bool;
    fn bell(&self) -> &Gate;
    /// Words besides the bell, with what they hold.
    fn others(&self) -> Vec<(&AtomicU32, u32)>;
    /// For one who has slept: does what is left of the wake-up of others.
    fn finish_waking(&self);
    /// Sees after one whose death nobody told of, and gives memory back that is not needed.
    fn tidy(&self);
}

impl<T: AsFd> Selectable for T {
    fn source(&self) -> Source<'_> {
        Source(Kind::Descriptor(self.as_fd()))
    }
}

impl<T> Selectable for Queue<T> {
    fn source(&self) -> Source<'_> {
        // This thread could put something: others who wait must not think that they are alone.
        self.core.users.note(Side::Take);
        Source(Kind::Words(Words::Queue(self)))
    }
}

impl<T> Selectable for JoinableQueue<T> {
    fn source(&self) -> Source<'_> {
        self.queue.source()
    }
}

impl Selectable for Event {
    fn source(&self) -> Source<'_> {
        Source(Kind::Words(Words::Event(self, self.changes())))
    }
}

impl Selectable for handles::Event {
    fn source(&self) -> Source<'_> {
        (**self).source()
    }
}

impl<T> AnyQueue for Queue<T> {
    fn is_ready(&self) -> bool {
        self.core.has_item() || self.core.control.is_closed()
    }

    fn is_deserted(&self) -> bool {
        self.core.is_deserted(self.handles())
    }

    fn bell(&self) -> &Gate {
        &self.core.control.put.gate
    }

    fn others(&self) -> Vec<(&AtomicU32, u32)> {
        self.core.returning()
    }

    fn finish_waking(&self) {
        self.bell().finish_waking();
        if let Some(desks) = &self.core.desks {
            desks.wake_others(self.core.control.take.head());
        }
    }

    fn tidy(&self) {
        self.bell().look_after();
        self.core.trim();
    }
}

impl<'a> Words<'a> {
    /// As far as the words say.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Queue(queue) => queue.is_ready(),
            Self::Event(event, first) => event.is_over(*first),
        }
    }

    /// Whether nobody is left who could make it ready.
    pub(crate) fn is_deserted(&self) -> bool {
        match self {
            Self::Queue(queue) => queue.is_deserted(),
            // It has no holders that are counted.
            Self::Event(..) => false,
        }
    }

    /// What else makes it ready, and is worth sleeping on if there is room: to be asked before `watch`.
    pub(crate) fn others(&self) -> Vec<(&'a AtomicU32, u32)> {
        match self {
            Self::Queue(queue) => queue.others(),
            Self::Event(..) => Vec::new(),
        }
    }

    /// Has whoever makes it ready from now on change or wake the words that are added; false says that it is ready
    /// already.
    pub(crate) fn watch(&self, words: &mut Vec<(&'a AtomicU32, u32)>) -> bool {
        match self {
            Self::Queue(queue) => {
                let bell = queue.bell();
                words.push((bell.word(), bell.watch()));
                // After the mark: see the gate's Invariant 1.
                !queue.is_ready()
            }
            Self::Event(event, first) => {
                let watched = event.watch(*first);
                words.extend(watched.into_iter().flatten());
                watched.is_some()
            }
        }
    }

    /// For one who has slept through a nap: does what nobody wakes anybody for.
    pub(crate) fn tidy(&self) {
        if let Self::Queue(queue) = self {
            queue.tidy();
        }
    }

    /// For one who has slept: does what is left of the wake-up of others.
    pub(crate) fn finish_waking(&self) {
        match self {
            Self::Queue(queue) => queue.finish_waking(),
            Self::Event(event, _) => event.finish_waking(),
        }
    }
}
