//! A port of loopback on which nothing listens and that no other socket of this machine is given
//! by chance: it stays bound. A program that names it (and sets SO_REUSEADDR, as servers do) can
//! still listen on it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket, sockopt};

/// How many ports of dropped servers one test keeps: a limit for open files.
const KEPT: usize = 32;

thread_local! {
    /// The ports of the servers that this test has dropped.
    static CLOSED: RefCell<VecDeque<ReservedPort>> = const { RefCell::new(VecDeque::new()) };
}

/// See the module.
pub struct ReservedPort {
    _socket: OwnedFd,
    address: SocketAddr,
}

impl ReservedPort {
    /// A port that the system chooses.
    pub fn any() -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        sockopt::set_socket_reuseaddr(&socket, true).expect("a socket");
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback");
        let bound = getsockname(&socket).expect("it is bound");
        let address = SocketAddr::try_from(bound).expect("an internet address");
        ReservedPort { _socket: socket, address }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Keeps it until the running test ends.
    pub fn keep(self) {
        // At the end of the test's thread there is nothing left to keep it for.
        let _ = CLOSED.try_with(|closed| {
            let mut closed = closed.borrow_mut();
            closed.push_back(self);
            if closed.len() > KEPT {
                closed.pop_front();
            }
        });
    }
}

#[test]
fn a_reserved_port_refuses_is_given_to_no_one_and_can_be_listened_on() {
    use std::net::{TcpListener, TcpStream};
    let reserved = ReservedPort::any();
    assert!(TcpStream::connect(reserved.address()).is_err(), "nothing listens");
    let others: Vec<TcpListener> =
        (0..200).map(|_| TcpListener::bind("127.0.0.1:0").expect("loopback")).collect();
    let is_ours = |other: &TcpListener| other.local_addr().expect("bound") == reserved.address();
    assert!(!others.iter().any(is_ours));
    let listener = TcpListener::bind(reserved.address()).expect("a server may take it by its name");
    assert!(TcpStream::connect(reserved.address()).is_ok());
    drop(listener);
    assert!(TcpStream::connect(reserved.address()).is_err(), "closed again, and still reserved");
}
