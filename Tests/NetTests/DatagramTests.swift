import Elements
import Foundation
import Glibc
import Guard
import Net
import Synchronization
import Testing

/// A blocking datagram socket with patience, for the other side of a test.
final class TestSocket {
  let socket: DatagramSocket
  private let inbox: DatagramInbox

  init(_ address: IPAddress, options: DatagramSocket.Options = .init()) throws {
    socket = try DatagramSocket(bindingTo: Endpoint(address, 0), options)
    inbox = try DatagramInbox(slots: 1, slotBytes: 65_536)
  }

  var local: Endpoint { socket.local }

  func send(_ bytes: [UInt8], to remote: Endpoint) {
    let result = bytes.withUnsafeBytes { socket.send($0, to: remote) }
    #expect(result == 0)
  }

  /// The next datagram, or nil after five seconds.
  func receive(withinMs patience: Int32 = 5_000) -> (bytes: [UInt8], from: Endpoint)? {
    var poll = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, patience) == 1, inbox.receive(from: socket.descriptor) == 1 else {
      return nil
    }
    return (inbox.bytes(0), inbox.remote(0))
  }
}

@Suite struct DatagramTests {
  static let loopbacks = [IPAddress.v4Loopback, .v6Loopback]

  @Test("a batch arrives whole, with its source and the local address", arguments: loopbacks)
  func batch(_ loopback: IPAddress) throws {
    let any = loopback.isV4 ? IPAddress.v4Any : .v6Any
    let server = try DatagramSocket(bindingTo: Endpoint(any, 0), .signalling)
    let client = try TestSocket(loopback)
    let inbox = try DatagramInbox(slots: 8, slotBytes: 65_536)
    for number in UInt8(0)..<5 {
      client.send([number, number], to: Endpoint(loopback, server.local.port))
    }
    #expect(inbox.receive(from: server.descriptor) == 5)
    for index in 0..<5 {
      #expect(inbox.bytes(index) == [UInt8(index), UInt8(index)])
      #expect(inbox.remote(index) == client.local)
      #expect(inbox.localAddress(index) == loopback)
      #expect(!inbox.isTruncated(index))
    }
    #expect(inbox.receive(from: server.descriptor) == 0)
  }

  @Test("an answer leaves from the address that was asked, not from the one the kernel prefers")
  func answersFromTheAskedAddress() throws {
    let server = try DatagramSocket(bindingTo: Endpoint(.v4Any, 0), .signalling)
    let client = try TestSocket(.v4Loopback)
    let asked = try #require(IPAddress("127.0.0.7"))
    client.send([1], to: Endpoint(asked, server.local.port))
    let inbox = try DatagramInbox(slots: 1, slotBytes: 2_048)
    #expect(inbox.receive(from: server.descriptor) == 1)
    #expect(inbox.localAddress(0) == asked)
    let outbox = try DatagramOutbox(slots: 4, arenaBytes: 1_024)
    #expect(outbox.add([2], to: inbox.remote(0), from: inbox.localAddress(0), tag: 0))
    var failures: [DatagramOutbox.Failure] = []
    outbox.flush(server, failures: &failures)
    #expect(failures.isEmpty)
    let answer = try #require(client.receive())
    #expect(answer.from == Endpoint(asked, server.local.port))
  }

  @Test("64 kB pass; what is longer than the slot is marked as cut")
  func sizes() throws {
    let server = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, 0), .signalling)
    let client = try TestSocket(.v4Loopback)
    let largest = [UInt8](repeating: 7, count: 65_507)
    client.send(largest, to: server.local)
    client.send([UInt8](repeating: 8, count: 101), to: server.local)
    let wide = try DatagramInbox(slots: 1, slotBytes: 65_536)
    #expect(wide.receive(from: server.descriptor) == 1)
    #expect(wide.bytes(0) == largest)
    #expect(!wide.isTruncated(0))
    let narrow = try DatagramInbox(slots: 1, slotBytes: 100)
    #expect(narrow.receive(from: server.descriptor) == 1)
    #expect(narrow.isTruncated(0))
  }

  @Test("IPv4 and IPv6 listen on the same port beside each other")
  func bothFamilies() throws {
    let v6 = try DatagramSocket(bindingTo: Endpoint(.v6Any, 0), .signalling)
    let v4 = try DatagramSocket(bindingTo: Endpoint(.v4Any, v6.local.port), .signalling)
    #expect(v4.local.port == v6.local.port)
    #expect(throws: SystemError(errno: EADDRINUSE)) {
      _ = try DatagramSocket(bindingTo: Endpoint(.v4Any, v6.local.port), .signalling)
    }
  }

  @Test("RFC 3261 §18.4: an ICMP error names the destination that does not listen")
  func portUnreachable() throws {
    let server = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, 0), .signalling)
    let gone = try TestSocket(.v4Loopback).local
    let bytes: [UInt8] = [1]
    #expect(bytes.withUnsafeBytes { server.send($0, to: gone) } == 0)
    var poll = pollfd(fd: server.descriptor, events: 0, revents: 0)
    #expect(Glibc.poll(&poll, 1, 5_000) == 1)
    let error = try #require(server.nextError())
    #expect(error.destination == gone)
    #expect(error.errno == ECONNREFUSED)
    #expect(server.nextError() == nil)
  }

  @Test("ICMP errors, however many, do not stand in the way of a datagram", arguments: loopbacks)
  func errorsBeforeDatagrams(_ loopback: IPAddress) throws {
    let server = try DatagramSocket(bindingTo: Endpoint(loopback, 0), .signalling)
    let client = try TestSocket(loopback)
    let inbox = try DatagramInbox(slots: 8, slotBytes: 2_048)
    let gone = try TestSocket(loopback).local
    // An error that is reported in place of sending leaves the datagram unsent.
    var sent = 0
    for _ in 0..<400 where sent < 100 {
      if [UInt8(1)].withUnsafeBytes({ server.send($0, to: gone) }) == 0 { sent += 1 }
    }
    #expect(sent == 100)
    client.send([7], to: server.local)
    // As many as a lane takes before it reads.
    for _ in 0..<64 { #expect(server.nextError() != nil) }
    #expect(inbox.receive(from: server.descriptor) == 1)
    #expect(inbox.bytes(0) == [7])
    #expect(server.nextError() != nil, "others were still there")
  }

  @Test("a datagram that cannot be sent is named; those around it leave")
  func failuresAreNamed() throws {
    let server = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, 0), .signalling)
    let client = try TestSocket(.v4Loopback)
    let outbox = try DatagramOutbox(slots: 4, arenaBytes: 200_000)
    let tooLong = [UInt8](repeating: 0, count: 70_000)
    #expect(outbox.add([1], to: client.local, from: .v4Loopback, tag: 11))
    #expect(outbox.add(tooLong, to: client.local, from: .v4Loopback, tag: 12))
    #expect(outbox.add([3], to: client.local, from: .v4Loopback, tag: 13))
    var failures: [DatagramOutbox.Failure] = []
    outbox.flush(server, failures: &failures)
    #expect(failures.map(\.tag) == [12])
    #expect(failures.first?.errno == EMSGSIZE)
    #expect(client.receive()?.bytes == [1])
    #expect(client.receive()?.bytes == [3])
    #expect(outbox.isEmpty)
  }

  @Test("a queue that is full refuses, and takes again when it has been sent")
  func boundedQueue() throws {
    let server = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, 0), .signalling)
    let outbox = try DatagramOutbox(slots: 2, arenaBytes: 10)
    let somewhere = try TestSocket(.v4Loopback)
    #expect(outbox.add([1, 2, 3, 4, 5], to: somewhere.local, from: .v4Any, tag: 0))
    #expect(!outbox.add([1, 2, 3, 4, 5, 6], to: somewhere.local, from: .v4Any, tag: 0))
    #expect(outbox.add([1], to: somewhere.local, from: .v4Any, tag: 0))
    #expect(!outbox.add([1], to: somewhere.local, from: .v4Any, tag: 0))
    var failures: [DatagramOutbox.Failure] = []
    outbox.flush(server, failures: &failures)
    #expect(outbox.add([UInt8](repeating: 1, count: 10), to: somewhere.local, from: .v4Any, tag: 0))
  }

  @Test("A08: in a siege the kernel drops strangers before they take a place in the queue")
  func sifts() throws {
    var admission = Admission()
    let places = ["127.0.0.7", "::1"].compactMap { IPAddress($0) }
    admission.spare(places.map { IPNetwork($0) })
    let sieve = admission.sieve(shares: ByFamily(both: 0), dice: 0x5DEE_CE66, at: .start)
    let server = try DatagramSocket(bindingTo: Endpoint(.v4Any, 0), .signalling)
    let inbox = try DatagramInbox(slots: 8, slotBytes: 65_536)
    let (friend, stranger) = (try TestSocket(places[0]), try TestSocket(.v4Loopback))
    let target = Endpoint(.v4Loopback, server.local.port)
    func heard() -> [IPAddress] {
      for socket in [stranger, friend] { socket.send([1], to: target) }
      return (0..<max(0, inbox.receive(from: server.descriptor))).map { inbox.remote($0).address }
    }
    #expect(heard() == [.v4Loopback, places[0]])
    #expect(server.sift(try #require(sieve.program(isV4: true))) == 0)
    #expect(heard() == [places[0]])
    #expect(server.dropped == 1)
    #expect(server.sift([]) == 0)
    #expect(heard() == [.v4Loopback, places[0]])

    let server6 = try DatagramSocket(bindingTo: Endpoint(.v6Loopback, 0), .signalling)
    let friend6 = try TestSocket(.v6Loopback)
    #expect(server6.sift(try #require(sieve.program(isV4: false))) == 0)
    friend6.send([1], to: server6.local)
    #expect(inbox.receive(from: server6.descriptor) == 1)
    var nobody = Admission()
    nobody.spare([])
    let closed = nobody.sieve(shares: ByFamily(both: 0), dice: 1, at: .start)
    #expect(server6.sift(try #require(closed.program(isV4: false))) == 0)
    friend6.send([1], to: server6.local)
    #expect(inbox.receive(from: server6.descriptor) == 0)
  }

  /// A namespace of its own, whose sockets may have as little memory for options as those of Debian 12's kernel: 20,480 bytes.
  ///
  /// Where the limit is not a namespace's, it is the machine's, and no more than that on such a kernel.
  private func withLittleRoom(_ body: @escaping @Sendable () throws -> Void) throws {
    let outcome = Mutex<Result<Void, any Error>?>(nil)
    let thread = Thread {
      let result = Result {
        // Glibc's module hides it: unshare(CLONE_NEWNET).
        typealias Unshare = @convention(c) (CInt) -> CInt
        let unshare = unsafeBitCast(try #require(dlsym(nil, "unshare")), to: Unshare.self)
        try #require(unshare(0x4000_0000) == 0)
        if let limit = fopen("/proc/sys/net/core/optmem_max", "w") {
          fputs("20480", limit)
          try #require(fclose(limit) == 0)
        }
        try body()
      }
      outcome.withLock { $0 = result }
    }
    thread.start()
    while !thread.isFinished { usleep(1_000) }
    try outcome.withLock { try #require($0) }.get()
  }

  @Test(
    "A08: the kernel takes the largest sieve, again and again, with the little room of Debian 12's",
    .enabled(if: geteuid() == 0, "a network namespace needs the right to make one"),
    arguments: [700, 7_900])
  func largestSieves(phones: Int) throws {
    try withLittleRoom {
      var admission = Admission()
      let now = Now(instant: .start, wall: WallTime(unixMilliseconds: 0))
      for phone in 0..<phones as Range<Int> {
        let number = UInt32(phone)
        let address =
          phone.isMultiple(of: 2)
          ? IPAddress(v4: 0xC840_0000 + number)
          : IPAddress(high: 0x2001_0DB8_0000_0000 + UInt64(number), low: 1)
        _ = admission.welcome(
          UserKey(UInt64(phone)), of: TenantID(1),
          from: Source(Endpoint(address, 5060), connection: nil), at: now)
      }
      for isV4 in [true, false] {
        admission.spare(
          (0..<56).compactMap { IPNetwork(isV4 ? "203.\($0).0.0/17" : "2001:f\($0)::/47") })
        let any: IPAddress = isV4 ? .v4Any : .v6Any
        let server = try DatagramSocket(bindingTo: Endpoint(any, 0), .signalling)
        for dice in 0..<3 as Range<UInt64> {
          let sieve = admission.sieve(shares: ByFamily(both: 1), dice: dice, at: .start)
          #expect(server.sift(try #require(sieve.program(isV4: isV4))) == 0)
        }
      }
    }
  }
}
