//! Where listeners are found: a file, an abstract name, or a host and a port.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use crate::sys::named::{self, SocketFile};
use crate::{Error, Result};

/// A host that says nothing for so long is asked whether it is there, so many times, so often.
const ASK_AFTER: Duration = Duration::from_secs(30);
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
const ASK_TIMES: u32 = 6;

/// An address as the user wrote it.
#[derive(Debug)]
pub(super) enum Address {
    /// A file.
    File(PathBuf),
    /// `@name`.
    Name(OsString),
    /// `host:port`.
    Host(String),
}

/// What listens, and what of it is to be put away.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) file: Option<SocketFile>,
    pub(super) socket: OwnedFd,
    pub(super) address: String,
}

impl Address {
    /// # Errors
    /// [`Error::System`] when it is none of the three.
    pub(super) fn parse(text: &OsStr) -> Result<Self> {
        let bytes = text.as_bytes();
        if let [b'@', name @ ..] = bytes
            && !name.is_empty()
        {
            return Ok(Self::Name(OsStr::from_bytes(name).to_owned()));
        }
        if bytes.contains(&b'/') || !(bytes.is_empty() || bytes.contains(&b':') || bytes == b"@") {
            return Ok(Self::File(text.into()));
        }
        let host = text.to_str().filter(|text| {
            let parts = text.rsplit_once(':');
            parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        });
        host.map(|host| Self::Host(host.to_owned())).ok_or_else(|| {
            let hint = "an address is a path, `@name` or `host:port`";
            Error::system("understand an address")(error_at(
                text,
                io::Error::new(io::ErrorKind::InvalidInput, hint),
            ))
        })
    }

    /// Begins to listen.
    pub(super) fn bind(&self, text: &OsStr) -> Result<Bound> {
        let same = || {
            let utf8 = || io::Error::new(io::ErrorKind::InvalidInput, "it is not UTF-8");
            text.to_str().map(str::to_owned).ok_or_else(utf8)
        };
        let bound = match self {
            Self::File(path) => same().and_then(|address| {
                let (socket, file) = named::listen_at_file(path)?;
                Ok(Bound { file: Some(file), socket, address })
            }),
            Self::Name(name) => same().and_then(|address| {
                Ok(Bound { file: None, socket: named::listen_at_name(name)?, address })
            }),
            Self::Host(host) => listen_at_host(host),
        };
        bound.map_err(|error| Error::system("listen")(error_at(text, error)))
    }

    /// Connects to who listens there.
    pub(super) fn connect(&self, text: &OsStr, deadline: Instant) -> Result<OwnedFd> {
        let within = deadline.saturating_duration_since(Instant::now());
        // No time at all would mean no limit.
        let within = within.max(Duration::from_millis(1));
        let connected = match self {
            Self::File(path) => named::connect_to_file(path, within).map_err(io::Error::from),
            Self::Name(name) => named::connect_to_name(name, within).map_err(io::Error::from),
            Self::Host(host) => connect_to_host(host, within),
        };
        connected.map_err(|error| Error::system("connect")(error_at(text, error)))
    }

    /// Whether messages there and back come with descriptors.
    pub(super) fn is_local(&self) -> bool {
        !matches!(self, Self::Host(_))
    }
}

fn error_at(address: &OsStr, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", Path::new(address).display()))
}

fn listen_at_host(host: &str) -> io::Result<Bound> {
    let listener = TcpListener::bind(host)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    Ok(Bound { file: None, socket: listener.into(), address })
}

fn connect_to_host(host: &str, within: Duration) -> io::Result<OwnedFd> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, within) {
            Ok(stream) => return Ok(stream.into()),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Has messages leave at once, and the death of the other machine noticed.
pub(super) fn tune(stream: &OwnedFd) -> rustix::io::Result<()> {
    sockopt::set_tcp_nodelay(stream, true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, ASK_AFTER)?;
    sockopt::set_tcp_keepintvl(stream, ASK_AGAIN_AFTER)?;
    sockopt::set_tcp_keepcnt(stream, ASK_TIMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_by_how_they_look() {
        let kind = |text: &str| match Address::parse(text.as_ref()) {
            Ok(Address::File(_)) => "file",
            Ok(Address::Name(_)) => "name",
            Ok(Address::Host(_)) => "host",
            Err(_) => "none",
        };
        for path in ["/run/app.sock", "./a:1", "app.sock", "dir/x", "/@x"] {
            assert_eq!(kind(path), "file", "{path}");
        }
        assert_eq!(kind("@app"), "name");
        for host in ["localhost:0", "127.0.0.1:80", "[::1]:65535"] {
            assert_eq!(kind(host), "host", "{host}");
        }
        for nothing in ["", "@", ":80", "host:", "host:65536", "a:b"] {
            assert_eq!(kind(nothing), "none", "{nothing}");
        }
    }
}
