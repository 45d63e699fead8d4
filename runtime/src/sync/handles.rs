//! The handles of the crate root: a type of this module in shared memory of its own, to be cloned and passed on.
//!
//! Each derefs to the type in place, and so has its methods; it adds `new`. They are what Python calls by the same
//! names. [`Lock`] says more, in `lock.rs`.

use std::fmt;
use std::ops::Deref;

use super::mutex::Mutex;
use super::{barrier, condvar, event, rlock, semaphore};
use crate::{Result, Shared};

macro_rules! handle {
    (
        $(#[$attribute:meta])*
        $name:ident => $place:ty, new($($argument:ident: $type:ty)?) = $value:expr
    ) => {
        $(#[$attribute])*
        #[derive(Clone)]
        pub struct $name(Shared<$place>);

        impl $name {
            /// A new one, in shared memory that lives as long as the last handle to it.
            ///
            /// # Errors
            /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
            pub fn new($($argument: $type)?) -> Result<Self> {
                Shared::new($value).map(Self)
            }

            /// Whether two handles lead to the same one, also when one of them came by way of another process.
            #[must_use]
            pub fn ptr_eq(&self, other: &Self) -> bool {
                self.0.ptr_eq(&other.0)
            }

            /// The memory: what travels.
            pub(crate) fn shared(&self) -> &Shared<$place> {
                &self.0
            }
        }

        impl From<Shared<$place>> for $name {
            fn from(shared: Shared<$place>) -> Self {
                Self(shared)
            }
        }

        impl Deref for $name {
            type Target = $place;

            #[inline]
            fn deref(&self) -> &$place {
                &self.0
            }
        }

        /// Shows what it leads to.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

handle! {
    /// Mutual exclusion between processes, and a handle to pass to them: Python's `Lock`.
    ///
    /// It derefs to a [`sync::Mutex<()>`](Mutex). Where there is data to protect, a `Mutex` around it cannot be forgotten, and
    /// tells when a holder died in the middle of a change; a `Lock` is for what is not memory: a file, a device,
    /// whose turn it is to print.
    ///
    /// Unlike Python's, it belongs to the thread that took it: only that one can give it back, and taking it twice is
    /// an error, not a hang. A child that is forked while the parent holds it does not hold it.
    ///
    /// # Fork and death
    /// The lock of a thread or process that ended is free at once, also if it was killed. There is no data to doubt, so that the
    /// next one simply gets it; [`recovered`](super::MutexGuard::recovered) tells.
    ///
    /// # Examples
    /// ```
    /// use offspring::{Lock, process};
    ///
    /// #[process]
    /// fn report(printer: &Lock, line: &str) {
    ///     let _turn = printer.lock().unwrap();
    ///     println!("{line}");
    /// }
    ///
    /// # fn main() -> offspring::Result<()> {
    /// let printer = Lock::new()?;
    /// let child = report::spawn(&printer, "one at a time")?;
    /// printer.acquire()?;
    /// assert!(printer.is_locked());
    /// printer.release()?;
    /// child.join()?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "locked")]
    Lock => Mutex<()>, new() = Mutex::new(())
}

handle! {
    /// A lock that its holder may take again, and a handle to pass on: Python's `RLock`.
    ///
    /// It derefs to a [`sync::RLock`](rlock::RLock).
    ///
    /// # Fork and death
    /// As for [`sync::RLock`](rlock::RLock): the lock of a thread or process that ended is free at once.
    ///
    /// # Examples
    /// ```
    /// let lock = offspring::RLock::new()?;
    /// let outer = lock.lock()?;
    /// let inner = lock.lock()?;
    /// assert_eq!(lock.holder(), Some(std::process::id()));
    /// # drop((outer, inner));
    /// # Ok::<(), offspring::Error>(())
    /// ```
    RLock => rlock::RLock, new() = rlock::RLock::new()
}

handle! {
    /// A number of permits that processes share, and a handle to pass to them: Python's `Semaphore`.
    ///
    /// It derefs to a [`sync::Semaphore`](semaphore::Semaphore). A process that is killed gives its permits back.
    ///
    /// # Fork and death
    /// As for [`sync::Semaphore`](semaphore::Semaphore).
    ///
    /// # Examples
    /// ```
    /// use offspring::{Semaphore, process};
    ///
    /// #[process]
    /// fn sing(booth: &Semaphore, who: &str) -> String {
    ///     let _microphone = booth.acquire();
    ///     format!("{who} sings")
    /// }
    ///
    /// # fn main() -> offspring::Result<()> {
    /// let booth = Semaphore::new(4)?;
    /// let singer = sing::spawn(&booth, "ann")?;
    /// assert_eq!(singer.join()?, "ann sings");
    /// assert_eq!(booth.available(), 4);
    /// # Ok(())
    /// # }
    /// ```
    Semaphore => semaphore::Semaphore, new(permits: usize) = semaphore::Semaphore::new(permits)
}

handle! {
    /// A [`Semaphore`] that refuses one release too many, and a handle to pass on: Python's `BoundedSemaphore`.
    ///
    /// It derefs to a [`sync::BoundedSemaphore`](semaphore::BoundedSemaphore).
    ///
    /// # Fork and death
    /// As for [`sync::Semaphore`](semaphore::Semaphore).
    ///
    /// # Examples
    /// ```
    /// let rooms = offspring::BoundedSemaphore::new(2)?;
    /// let room = rooms.acquire();
    /// drop(room);
    /// assert!(rooms.release().is_err());
    /// # Ok::<(), offspring::Error>(())
    /// ```
    BoundedSemaphore => semaphore::BoundedSemaphore, new(permits: usize) = semaphore::BoundedSemaphore::new(permits)
}

handle! {
    /// A signal to go that processes share, and a handle to pass to them: Python's `Event`.
    ///
    /// It derefs to a [`sync::Event`](event::Event).
    ///
    /// # Fork and death
    /// As for [`sync::Event`](event::Event): whoever is killed while it waits delays nobody.
    ///
    /// # Examples
    /// ```
    /// use offspring::{Event, process};
    ///
    /// #[process]
    /// fn run(gun: &Event) -> String {
    ///     gun.wait();
    ///     "off".to_owned()
    /// }
    ///
    /// # fn main() -> offspring::Result<()> {
    /// let gun = Event::new()?;
    /// let runner = run::spawn(&gun)?;
    /// gun.set();
    /// assert_eq!(runner.join()?, "off");
    /// # Ok(())
    /// # }
    /// ```
    Event => event::Event, new() = event::Event::new()
}

handle! {
    /// Waiting until what a lock guards has changed, and a handle to pass on: Python's `Condition`.
    ///
    /// It derefs to a [`sync::Condvar`](condvar::Condvar). As in `std`, it has no lock of its own: each `wait` takes the guard of
    /// the [`Mutex`] whose data the wait is about, or that of a [`Lock`].
    ///
    /// # Fork and death
    /// As for [`sync::Condvar`](condvar::Condvar): nobody waits for a sleeper that was killed, and it takes no notification with
    /// it. When a holder of the lock died meanwhile, `wait` says so, also for a `Lock`
    /// ([`OwnerDied`](super::LockError::OwnerDied), with the guard).
    ///
    /// # Examples
    /// ```
    /// use offspring::{Condition, prelude::*};
    ///
    /// #[process]
    /// fn count(number: &Shared<Mutex<u32>>, changed: &Condition) {
    ///     for _ in 0..4 {
    ///         *number.lock().unwrap() += 1;
    ///         changed.notify_one();
    ///     }
    /// }
    ///
    /// # fn main() -> offspring::Result<()> {
    /// let (number, changed) = (Shared::new(Mutex::new(0))?, Condition::new()?);
    /// let child = count::spawn(&number, &changed)?;
    /// let four = changed.wait_while(number.lock()?, |number| *number < 4)?;
    /// assert_eq!(*four, 4);
    /// # drop(four);
    /// # child.join()?;
    /// # Ok(())
    /// # }
    /// ```
    Condition => condvar::Condvar, new() = condvar::Condvar::new()
}

handle! {
    /// A line that all reach before any goes on, and a handle to pass on: Python's `Barrier`.
    ///
    /// It derefs to a [`sync::Barrier`](barrier::Barrier).
    ///
    /// # Fork and death
    /// As for [`sync::Barrier`](barrier::Barrier): when a party is killed, the others learn it at once.
    ///
    /// # Examples
    /// ```
    /// use offspring::{Barrier, process};
    ///
    /// #[process]
    /// fn run(line: &Barrier) -> usize {
    ///     line.wait().unwrap().index
    /// }
    ///
    /// # fn main() -> offspring::Result<()> {
    /// let line = Barrier::new(2)?;
    /// let other = run::spawn(&line)?;
    /// let mine = line.wait()?.index;
    /// assert_eq!(mine + other.join()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    Barrier => barrier::Barrier, new(parties: usize) = barrier::Barrier::new(parties)
}
