//! [`Signal`]: the number of a signal with its name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signal of the system.
///
/// ```
/// use offspring::Signal;
///
/// assert_eq!(Signal::SIGTERM.to_string(), "SIGTERM");
/// assert_eq!(Signal::from(9), Signal::SIGKILL);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signal {
    number: i32,
    core_dumped: bool,
    out_of_memory: bool,
}

macro_rules! signals {
    ($($name:ident)*) => {
        impl Signal {
            $(
                #[doc = concat!("The signal ", stringify!($name), ".")]
                pub const $name: Signal = Signal::new(libc::$name);
            )*
        }

        const NAMES: &[(i32, &str)] = &[$((libc::$name, stringify!($name)),)*];
    };
}

signals! {
    SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE
    SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ
    SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS
}

impl Signal {
    const fn new(number: i32) -> Self {
        Self { number, core_dumped: false, out_of_memory: false }
    }

    /// A signal as a cause of death, with what is known besides.
    pub(crate) const fn fatal(number: i32, core_dumped: bool, out_of_memory: bool) -> Self {
        Self { number, core_dumped, out_of_memory }
    }

    /// The number by which the system knows it.
    pub const fn number(self) -> i32 {
        self.number
    }

    /// Whether the process that died of it left a core dump.
    pub const fn core_dumped(self) -> bool {
        self.core_dumped
    }

    /// Whether the process that died of it was probably killed for lack of memory: the kernel counted
    /// an out-of-memory kill since, and nobody is known to have sent the signal.
    pub const fn out_of_memory(self) -> bool {
        self.out_of_memory
    }
}

impl From<i32> for Signal {
    fn from(number: i32) -> Self {
        Self::new(number)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.number) {
            Some((_, name)) => f.write_str(name)?,
            None => write!(f, "signal {}", self.number)?,
        }
        match (self.core_dumped, self.out_of_memory) {
            (true, _) => f.write_str(" (core dumped)"),
            (_, true) => f.write_str(" (probably out of memory)"),
            _ => Ok(()),
        }
    }
}
