import Elements
import Net
import SIP
import Switch
import Synchronization
import Testing

/// A name server on a lane: answers from a table, and counts.
private final class NameServer: LaneResident {
  private let socket: DatagramSocket
  private let inbox: DatagramInbox
  private let answer: @Sendable (_ name: String, _ type: UInt8, inout DNSAnswer) -> Void
  private let asked: Recorder<String>

  init(
    loop: LaneLoop, asked: Recorder<String>, bound: (Endpoint) -> Void,
    answer: @escaping @Sendable (String, UInt8, inout DNSAnswer) -> Void
  ) throws(NetError) {
    do throws(SystemError) {
      socket = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, 0), .init())
    } catch { throw .system(call: "bind", errno: error.errno) }
    inbox = try DatagramInbox(slots: 8, slotBytes: 2_048)
    (self.answer, self.asked) = (answer, asked)
    bound(socket.local)
    try loop.watch(socket.descriptor, for: loop.add(self), token: 1)
  }

  var deadline: Instant? { nil }
  func turn(at now: Now) {}

  func ready(_ token: UInt64, hasError: Bool, at now: Now) {
    for index in 0..<max(0, inbox.receive(from: socket.descriptor)) {
      let query = inbox.bytes(index)
      var (offset, labels) = (12, [String]())
      while query[offset] != 0 {
        let length = Int(query[offset])
        labels.append(
          String(decoding: query[(offset + 1)...(offset + length)], as: UTF8.self).lowercased())
        offset += length + 1
      }
      let (name, type) = (labels.joined(separator: "."), query[offset + 2])
      asked.append(["\(name) \(type)"])
      var answer = DNSAnswer(
        to: Array(query[12..<(offset + 5)]), identity: Array(query[..<2]))
      self.answer(name, type, &answer)
      _ = answer.bytes.withUnsafeBytes { socket.send($0, to: inbox.remote(index)) }
    }
  }
}

@Suite struct NameResolverTests {
  private func withResolver(
    keeping life: Duration = .seconds(3_600),
    answering answer: @escaping @Sendable (String, UInt8, inout DNSAnswer) -> Void,
    _ body: (_ ask: (NameQuery) -> [NextHop], Recorder<String>) throws -> Void
  ) throws {
    let asked = Recorder<String>()
    let address = Mutex(Endpoint(.v4Loopback, 0))
    let lane = try LaneThread(name: "names", waker: try LaneWaker(), failed: { _ in }) {
      loop throws(NetError) in
      _ = try NameServer(
        loop: loop, asked: asked, bound: { local in address.withLock { $0 = local } },
        answer: answer)
    }
    defer { lane.stop() }
    var settings = ResolverSettings()
    // Longer than a busy machine takes to answer: a question that is asked again would be counted.
    (settings.server, settings.timeoutSeconds) = (address.withLock { $0 }, 10)
    (settings.shortestLife, settings.longestLife) = (.zero, life)
    let resolver = NameResolver(settings)
    try resolver.start(listening: [
      ListenAddress(.udp, Endpoint(.v4Any, 5060)), ListenAddress(.tls, Endpoint(.v4Any, 5061)),
    ])
    defer { resolver.stop() }
    try body(
      { query in
        let answers = Recorder<[NextHop]>()
        if let known = resolver.resolve(query, answer: { answers.append([$0]) }) { return known }
        return answers.wait(for: 1).first ?? []
      }, asked)
  }

  @Test("RFC 3263: NAPTR, SRV and A lead to a next hop with our own address on the way there")
  func wholeRoad() throws {
    try withResolver(answering: { name, type, answer in
      switch (name, type) {
      case ("carrier.example", 35):
        answer.addPointer(name, order: 1, service: "SIPS+D2T", replacement: "_sips._tcp.c.example")
      case ("_sips._tcp.c.example", 33):
        answer.addService(name, priority: 1, weight: 1, port: 5071, target: "a.c.example")
      case ("a.c.example", 1): answer.addAddress(name, 9)
      case _: break
      }
    }) { ask, asked in
      let query = NameQuery(host: "Carrier.example", port: nil, transport: nil)
      let there = try #require(Endpoint("127.0.0.9:5071"))
      let hop = NextHop(
        transport: .tls, remote: there, local: Endpoint(.v4Loopback, 5061),
        serverName: "Carrier.example")
      #expect(ask(query) == [hop])
      let questions = asked.all.count
      #expect(ask(query) == [hop])
      #expect(asked.all.count == questions, "the second answer comes from the cache")
    }
  }

  @Test(
    "RFC 8767: a name server that fails takes no SRV away; one that says that it is gone does",
    arguments: [UInt8(2), 5, 3])
  func failing(code: UInt8) throws {
    let isFailing = Mutex(false)
    try withResolver(keeping: .zero) { name, type, answer in
      switch (name, type) {
      case ("_sip._udp.c.example", 33) where isFailing.withLock { $0 }: answer.fail(code)
      case ("_sip._udp.c.example", 33):
        answer.addService(name, priority: 1, weight: 1, port: 5071, target: "a.c.example")
      case ("a.c.example", 1): answer.addAddress(name, 9)
      case ("c.example", 1): answer.addAddress(name, 80)
      case _: break
      }
    } _: { ask, _ in
      let query = NameQuery(host: "c.example", port: nil, transport: .udp)
      #expect(ask(query).map { "\($0.remote)" } == ["127.0.0.9:5071"])
      isFailing.withLock { $0 = true }
      let expected = code == 3 ? "127.0.0.80:5060" : "127.0.0.9:5071"
      #expect(ask(query).map { "\($0.remote)" } == [expected])
    }
  }

  @Test("a name that leads nowhere gives no hop, and is not asked again at once")
  func nowhere() throws {
    try withResolver(answering: { _, _, _ in }) { ask, asked in
      let query = NameQuery(host: "nobody.example", port: 5060, transport: .udp)
      #expect(ask(query) == [])
      let questions = asked.all.count
      #expect(questions == 2, "AAAA and A")
      #expect(ask(query) == [])
      #expect(asked.all.count == questions)
    }
  }

  @Test("an address is answered at once, asks nobody, and never leads to many hosts (A14)")
  func literals() throws {
    try withResolver(answering: { _, _, _ in }) { ask, asked in
      let hops = ask(NameQuery(host: "127.0.0.5", port: 5080, transport: nil))
      let there = try #require(Endpoint("127.0.0.5:5080"))
      #expect(
        hops == [
          NextHop(
            transport: .udp, remote: there, local: Endpoint(.v4Loopback, 5060), takesStream: true)
        ])
      #expect(ask(NameQuery(host: "255.255.255.255", port: nil, transport: nil)) == [])
      #expect(ask(NameQuery(host: "224.0.1.75", port: nil, transport: nil)) == [])
      #expect(asked.all.isEmpty)
    }
  }
}
