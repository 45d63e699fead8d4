//! A queue as one process holds it, and what can be said of it from outside of the gates.

use std::mem::align_of;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;

use rustix::io::Errno;

use super::control::Control;
use super::copies;
use super::desk::Desks;
use super::fault::{Action, Fault};
use super::levels::{self, FIRST, Levels};
use super::memory;
use super::parcel::{self, OwnOutbox};
use super::payload::Outgoing;
use super::spot::{ITEMS_MAX, Spot};
use super::users::Users;
use crate::memory::named;
use crate::sync::patience::Patience;
use crate::sys::{memfd, roll};
use crate::{Error, Result, Shared};

/// See the module.
#[derive(Debug)]
pub(crate) struct Core<T: 'static> {
    pub(crate) control: Shared<Control<T>>,
    pub(crate) levels: Levels,
    pub(crate) users: Users,
    /// This handle's place on the roll. It is never mapped: a mapping keeps it, too, and a forked copy of this process has all mappings.
    place: Arc<OwnedFd>,
    /// Of a queue of jobs: where those lie that are in progress.
    pub(crate) desks: Option<Shared<Desks>>,
    /// Dropped after `control`, when this handle is not a holder any more.
    outbox: OwnOutbox,
}

impl<T> Core<T> {
    /// Records begin at a multiple of this, and their payload does, too.
    pub(crate) const ALIGN: usize = {
        let align = align_of::<T>();
        assert!(align <= 4096, "an alignment above that of a page cannot be had in a queue");
        if align < 8 { 8 } else { align }
    };

    /// Whether a record can begin there.
    #[inline(always)]
    pub(crate) fn is_place(spot: Spot) -> bool {
        Self::ALIGN == 8 || spot.offset().is_multiple_of(Self::ALIGN)
    }

    /// An empty queue for at most so many items; 0 for as many as there is memory for.
    pub(crate) fn new(bound: u32) -> Result<Self> {
        let control = Shared::with_room(Control::new(bound), levels::room())?;
        let place = Self::sign(&control)?;
        let core = Self::over(control, place);
        core.levels.reserve(0, 0, FIRST)?;
        Ok(core)
    }

    /// The queue behind a descriptor that was handed over, which is on the roll already.
    pub(crate) fn attach(place: OwnedFd) -> Result<Self> {
        let unsigned = memfd::reopen(place.as_fd()).map_err(Error::system("open a queue"))?;
        let control = Shared::<Control<T>>::from_descriptor(unsigned)?;
        let place = Arc::new(place);
        copies::note_queue(&place);
        // It came from another process, or was found by its name.
        control.hand_on();
        Ok(Self::over(control, place))
    }

    fn over(control: Shared<Control<T>>, place: Arc<OwnedFd>) -> Self {
        let levels = Levels::new(Arc::clone(control.descriptor()));
        let users = Users::new(Arc::clone(&place));
        Self { control, levels, users, place, desks: None, outbox: OwnOutbox::default() }
    }

    /// A new place on the queue's roll.
    fn sign(control: &Shared<Control<T>>) -> Result<Arc<OwnedFd>> {
        let action = "enter a queue's roll";
        let place = memfd::reopen(control.descriptor().as_fd()).map_err(Error::system(action))?;
        roll::sign(&place).map_err(Error::system(action))?;
        let place = Arc::new(place);
        copies::note_queue(&place);
        Ok(place)
    }

    /// What another process is to be given: a descriptor that counts as a holder until nobody has it any more.
    pub(crate) fn hand_on(&self) -> Result<Arc<OwnedFd>> {
        let place = Self::sign(&self.control)?;
        self.control.hand_on();
        Ok(place)
    }

    /// Whether there were others, in other processes, and nobody is left but the calling thread who could do anything.
    pub(crate) fn is_deserted(&self, handles: usize) -> bool {
        if !self.control.was_handed_on() || handles != 1 || self.users.has_others() {
            return false;
        }
        parcel::clear_out();
        let alone = !roll::has_others(&*self.place).unwrap_or(true);
        // Others may come, as long as they could find it.
        alone && !(self.is_named() && named::can_be_found(self.place.as_fd()))
    }

    /// Whether it was made to be found by a name: then its users may be other programs.
    pub(crate) fn is_named(&self) -> bool {
        self.control.is_named()
    }

    /// The word in front of a record.
    #[inline(always)]
    pub(crate) fn header(&self, spot: Spot) -> Result<&AtomicU64, Fault> {
        Ok(memory::word(self.levels.base(spot.level())?, spot))
    }

    /// How many items wait, at a moment that is just over.
    pub(crate) fn len(&self) -> usize {
        let (head, tail) = (self.control.take.head(), self.control.put.tail());
        // An item may have been taken before whoever put it has counted it.
        match tail.count_since(head) {
            count @ 0..=ITEMS_MAX => count as usize,
            _ => 0,
        }
    }

    /// Whether there is something to be taken, as far as can be seen from outside.
    #[inline(always)]
    pub(crate) fn has_item(&self) -> bool {
        self.has_record() || self.desks.as_ref().is_some_and(|desks| self.has_returned(desks))
    }

    #[cold]
    fn has_returned(&self, desks: &Desks) -> bool {
        desks.count_returned(self.control.take.head()) > 0
    }

    /// Whether there is something in the queue itself.
    #[inline(always)]
    fn has_record(&self) -> bool {
        let head = self.control.take.head();
        let word = self.header(head).map_or(0, |word| word.load(Acquire));
        word != 0 || self.may_have_left(head)
    }

    /// Whether there may be something although nothing was seen there: a level whose memory is being given back, or was by one who
    /// then died, reads as empty, and the way on from it is known to `leaving` until `head` has moved.
    #[cold]
    fn may_have_left(&self, head: Spot) -> bool {
        self.control.take.leaving().is_some() || self.control.take.head() != head
    }

    /// Whether one more may be put, as far as can be seen from outside.
    pub(crate) fn has_room(&self) -> bool {
        let bound = self.control.bound;
        bound == 0 || self.len() < bound as usize
    }

    /// Keeps the handles in an item open until that has been taken.
    pub(crate) fn keep_parcel<I>(
        &self,
        number: u32,
        item: &mut Outgoing<'_, I>,
    ) -> Result<(), Fault> {
        let parcel = item.take_parcel();
        if parcel.is_empty() {
            return Ok(());
        }
        self.outbox.keep(number, parcel, || self.goings())
    }

    /// What says whether an item of this queue is gone: also when this handle is, and without being a holder.
    #[cold]
    fn goings(&self) -> Result<impl Fn(u32) -> bool + Send + Sync + 'static, Fault> {
        let failed = |error| Fault::System(Action::Map, error);
        let fd = memfd::reopen(self.control.descriptor().as_fd())
            .map_err(|error| failed(Errno::from_io_error(&error).unwrap_or(Errno::NOMEM)))?;
        let control =
            Shared::<Control<T>>::from_descriptor(fd).map_err(|_| failed(Errno::NOMEM))?;
        let desks = self.desks.clone();
        Ok(move |number| {
            let is_job = desks.as_ref().is_some_and(|desks| desks.may_need(number));
            let was_taken = control.take.head().has_passed(number) && !is_job;
            was_taken || !roll::has_others(&**control.descriptor()).unwrap_or(true)
        })
    }

    /// Whether all jobs are done, as far as can be seen from outside.
    pub(crate) fn may_be_done(&self) -> bool {
        let head = self.control.take.head();
        !self.has_record() && !self.desks.as_ref().is_some_and(|desks| desks.has_unfinished(head))
    }

    /// No item comes any more.
    pub(crate) fn close(&self) -> Result<(), Fault> {
        // Inside of both, so that the kernel tells those who sleep if this process dies before it has.
        let _take = self.control.take.gate.enter(Patience::Endless).map_err(|_| Fault::Inside)?;
        let _put = self.control.put.gate.enter(Patience::Endless).map_err(|_| Fault::Inside)?;
        self.control.set_closed();
        Ok(())
    }
}
