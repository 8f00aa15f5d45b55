import Elements
import Guard
import Net
import SIP
import Testing

@Suite struct StreamTests {
  @Test(
    "RFC 3261 §18.3: messages are cut out of the stream, whatever pieces it comes in",
    arguments: [IPAddress.v4Loopback, .v6Loopback])
  func oneByteAtATime(_ loopback: IPAddress) throws {
    let harness = try StreamHarness()
    let server = try harness.listen(.tcp, loopback)
    let client = try TestStream(to: server)
    let (first, second) = (Sample.options(1, body: "v=0\r\n"), Sample.options(2))
    for byte in first.utf8 { client.send(String(decoding: [byte], as: UTF8.self)) }
    client.send(second + Sample.options(3))
    let messages = harness.messages(3)
    #expect(messages.map(\.text) == [first, second, Sample.options(3)])
    let flow = try #require(messages.first?.flow)
    #expect(flow.transport == .tcp)
    #expect(flow.local == server)
    #expect(flow.remote.address == loopback)
    #expect(flow.connection != nil)
    #expect(Set(messages.map(\.flow)).count == 1)
  }

  @Test("RFC 5626 §3.5.1: a double CRLF is answered with a single one")
  func keepAlive() throws {
    let harness = try StreamHarness()
    let client = try TestStream(to: try harness.listen(.tcp))
    client.send("\r\n\r\n")
    #expect(client.receive(2) == "\r\n")
  }

  @Test("a message goes down the connection it was asked on; a closed connection is told")
  func answers() throws {
    let harness = try StreamHarness()
    let server = try harness.listen(.tcp)
    var client: TestStream? = try TestStream(to: server)
    client?.send(Sample.options(1))
    let flow = try #require(harness.messages(1).first?.flow)
    harness.service.send([Transmission(bytes: Array("hello".utf8), destination: .flow(flow))])
    #expect(client?.receive(5) == "hello")
    client = nil
    #expect(harness.closed(1) == [flow.connection])
    let transaction = ClientTransactionID(7)
    harness.service.send([
      Transmission(bytes: [1], destination: .flow(flow), transaction: transaction)
    ])
    #expect(harness.failures(1).map(\.0) == [transaction])
  }

  @Test("A20: a stream without borders between messages is handed over once and closed")
  func smuggling() throws {
    let harness = try StreamHarness()
    let server = try harness.listen(.tcp)
    let twice = Sample.options(1).replacing("Content-Length: 0", with: "l: 0\r\nContent-Length: 7")
    let client = try TestStream(to: server)
    client.send(twice + "INVITE sip:never@example.com SIP/2.0\r\n\r\n")
    #expect(harness.messages(1).map(\.text) == [twice])
    #expect(client.isClosedByPeer())
    #expect(harness.closed(1).count == 1)
    #expect(harness.messages(1).count == 1)
  }

  @Test("A12: who sends no message, or never ends one, is closed")
  func slowPeers() throws {
    let harness = try StreamHarness {
      $0.streams.firstMessage = .milliseconds(200)
      $0.streams.message = .milliseconds(200)
    }
    let server = try harness.listen(.tcp)
    let silent = try TestStream(to: server)
    let slow = try TestStream(to: server)
    slow.send(Sample.options(1) + "INVITE sip:a@example.com SIP/2.0\r\n")
    #expect(silent.isClosedByPeer())
    #expect(slow.isClosedByPeer())
    #expect(harness.closed(2).count == 2)
  }

  @Test("A12: one address has only so many connections")
  func connectionsPerAddress() throws {
    let harness = try StreamHarness { $0.streams.connectionsPerAddress = 2 }
    let server = try harness.listen(.tcp)
    let first = try TestStream(to: server)
    let second = try TestStream(to: server)
    first.send(Sample.options(1))
    second.send(Sample.options(2))
    _ = harness.messages(2)
    let third = try TestStream(to: server)
    #expect(third.isClosedByPeer())
    #expect(harness.service.connectionCount == 2)
    first.send(Sample.options(3))
    #expect(harness.messages(3).count == 3)
  }

  @Test("A12: who pings without an end gets one answer for what was read at once")
  func pings() throws {
    let harness = try StreamHarness { $0.streams.strangerPace = Rate(perSecond: 1, burst: 10_000) }
    let client = try TestStream(to: try harness.listen(.tcp))
    client.send(String(repeating: "\r\n\r\n", count: 1_000) + Sample.options(1))
    let flow = try #require(harness.messages(1).first?.flow)
    harness.service.send([Transmission(bytes: Array("hello".utf8), destination: .flow(flow))])
    let answer = client.receive(200)
    #expect(answer.hasPrefix("\r\n") && answer.hasSuffix("hello") && answer.utf8.count < 100)
  }

  @Test("A12: a stranger is read at his pace, and in full once he has proven himself")
  func pace() throws {
    let harness = try StreamHarness {
      $0.streams.strangerPace = Rate(every: .seconds(3_600), burst: 3)
    }
    let client = try TestStream(to: try harness.listen(.tcp))
    let texts = (0..<20).map { Sample.options($0) }
    client.send(texts.joined())
    let first = harness.messages(4)
    #expect(first.count == 4, "the one that was too much is taken, and no more")
    let connection = try #require(first.first?.flow.connection)
    harness.service.trust([connection])
    #expect(harness.messages(20).map(\.text) == texts)
  }

  @Test("A12: a connection on which nobody proves himself ends, and the others stay")
  func strangers() throws {
    let harness = try StreamHarness { $0.streams.strangerLife = .milliseconds(500) }
    let server = try harness.listen(.tcp)
    let (stranger, phone) = (try TestStream(to: server), try TestStream(to: server))
    phone.send(Sample.options(1))
    harness.service.trust([try #require(harness.messages(1).first?.flow.connection)])
    stranger.send(Sample.options(2))
    #expect(stranger.isClosedByPeer())
    phone.send(Sample.options(3))
    #expect(harness.messages(3).count == 3)
  }

  @Test("A12: who is banned loses his connections and gets no other until it is lifted")
  func bans() throws {
    let harness = try StreamHarness()
    let (server, other) = (try harness.listen(.tcp), try harness.listen(.tcp, .v6Loopback))
    let (banned, neighbour) = (try TestStream(to: server), try TestStream(to: other))
    banned.send(Sample.options(1))
    neighbour.send(Sample.options(2))
    _ = harness.messages(2)
    let network = try #require(IPNetwork("127.0.0.0/8"))
    harness.service.bar(network, until: nil)
    #expect(banned.isClosedByPeer())
    #expect(try TestStream(to: server).isClosedByPeer())
    neighbour.send(Sample.options(3))
    #expect(harness.messages(3).count == 3)
    harness.service.unbar(network)
    // What is sent behind it leaves when it is done.
    let flow = try #require(harness.messages(3).first { !$0.flow.remote.address.isV4 }?.flow)
    harness.service.send([Transmission(bytes: Array("done".utf8), destination: .flow(flow))])
    #expect(neighbour.receive(4) == "done")
    let again = try TestStream(to: server)
    again.send(Sample.options(4))
    #expect(harness.messages(4).count == 4)
  }

  @Test("a lane that is busy is not given more than its mailbox holds, and nothing is lost")
  func backpressure() throws {
    let harness = try StreamHarness {
      $0.streams.inboundQueue = 4
      $0.streams.strangerPace = Rate(perSecond: 1, burst: 1_000)
    }
    let client = try TestStream(to: try harness.listen(.tcp))
    let texts = (0..<500).map { Sample.options($0) }
    for text in texts { client.send(text) }
    let arrived = harness.messages(500).map(\.text)
    let isSame = arrived == texts
    #expect(isSame, "\(arrived.count) of \(texts.count) arrived")
  }

  @Test("a next hop is connected to once, and failure to connect is told")
  func opening() throws {
    let (here, there) = (try StreamHarness(), try StreamHarness())
    let server = try there.listen(.tcp)
    let hop = NextHop(transport: .tcp, remote: server, local: server)
    for number in 1...3 {
      here.service.send([
        Transmission(bytes: Array(Sample.options(number).utf8), destination: .open(hop))
      ])
    }
    let messages = there.messages(3)
    #expect(messages.map(\.text) == (1...3).map { Sample.options($0) })
    #expect(Set(messages.map(\.flow)).count == 1)
    there.service.closeListeners()
    let gone = NextHop(transport: .tcp, remote: Endpoint(.v4Loopback, 1), local: server)
    let transaction = ClientTransactionID(9)
    here.service.send([
      Transmission(bytes: [1], destination: .open(gone), transaction: transaction)
    ])
    #expect(here.failures(1).map(\.0) == [transaction])
  }

  @Test("a port that is taken is named, with the way out")
  func takenPort() throws {
    let (first, second) = (try StreamHarness(), try StreamHarness())
    let taken = ListenAddress(.tcp, try first.listen(.tcp))
    let error = #expect(throws: NetError.self) { _ = try second.service.listen(taken) }
    #expect(error?.description.contains("\(taken)") == true)
    #expect(error?.description.contains("ss -") == true)
  }
}
