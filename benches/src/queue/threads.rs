//! Channels between threads: crossbeam's, kanal's and std's.

use std::sync::Mutex;
use std::sync::mpsc;

use super::case::Case;
use super::lane::{Lane, Look, Payload, Seen, taken};
use crate::Fallible;

/// Pieces that fit; each is a whole batch.
fn pieces(case: Case) -> usize {
    case.bound() / case.batch()
}

/// That of crossbeam.
#[derive(Debug)]
pub struct Crossbeam<P> {
    ends: (crossbeam_channel::Sender<P>, crossbeam_channel::Receiver<P>),
    look: Look,
}

impl<P: Payload> Lane for Crossbeam<P> {
    fn new(case: Case) -> Fallible<Self> {
        Ok(Self { ends: crossbeam_channel::bounded(pieces(case)), look: Look::new(case) })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| self.ends.0.send(P::copied(source)).expect("nobody leaves"))
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        Ok(|| self.ends.1.recv().expect("nobody leaves").seen(self.look))
    }
}

/// That of kanal.
#[derive(Debug)]
pub struct Kanal<P> {
    ends: (kanal::Sender<P>, kanal::Receiver<P>),
    look: Look,
}

impl<P: Payload> Lane for Kanal<P> {
    fn new(case: Case) -> Fallible<Self> {
        Ok(Self { ends: kanal::bounded(pieces(case)), look: Look::new(case) })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| self.ends.0.send(P::copied(source)).expect("nobody leaves"))
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        Ok(|| self.ends.1.recv().expect("nobody leaves").seen(self.look))
    }
}

/// That of std.
#[derive(Debug)]
pub struct Std<P> {
    sender: mpsc::SyncSender<P>,
    receiver: Mutex<Option<mpsc::Receiver<P>>>,
    look: Look,
}

impl<P: Payload> Lane for Std<P> {
    fn new(case: Case) -> Fallible<Self> {
        let (sender, receiver) = mpsc::sync_channel(pieces(case));
        Ok(Self { sender, receiver: Mutex::new(Some(receiver)), look: Look::new(case) })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| self.sender.send(P::copied(source)).expect("nobody leaves"))
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let receiver = taken(&self.receiver)?;
        Ok(move || receiver.recv().expect("nobody leaves").seen(self.look))
    }
}
