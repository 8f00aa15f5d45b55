import Elements
import Glibc
import Guard
import Net
import SIP
import SIPSyntax
import Testing

/// SIP by WebSocket, as a browser sends it (RFC 6455, RFC 7118).
@Suite struct WebSocketTests {
  private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

  private func request(
    _ origin: String? = nil, subprotocol: String = "sip", version: String = "13"
  ) -> String {
    let origin = origin.map { "Origin: \($0)\r\n" } ?? ""
    return """
      GET /ws HTTP/1.1\r
      Host: pbx.example:8443\r
      Upgrade: websocket\r
      Connection: keep-alive, Upgrade\r
      Sec-WebSocket-Key: \(Self.key)\r
      Sec-WebSocket-Version: \(version)\r
      Sec-WebSocket-Protocol: chat, \(subprotocol)\r
      \(origin)\r

      """
  }

  /// A frame of a client (§5.2), masked unless that is what is tried.
  private func frame(
    _ payload: [UInt8], _ opcode: UInt8 = 1, isLast: Bool = true, isMasked: Bool = true
  ) -> [UInt8] {
    let mask: [UInt8] = [7, 33, 250, 1]
    var bytes = [(isLast ? 0x80 : 0) | opcode]
    let flag: UInt8 = isMasked ? 0x80 : 0
    if payload.count < 126 {
      bytes.append(flag | UInt8(payload.count))
    } else {
      bytes += [flag | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    }
    guard isMasked else { return bytes + payload }
    return bytes + mask + payload.indices.map { payload[$0] ^ mask[$0 % 4] }
  }

  private func frame(_ text: String, isLast: Bool = true, _ opcode: UInt8 = 1) -> [UInt8] {
    frame(Array(text.utf8), opcode, isLast: isLast)
  }

  /// A client behind the handshake.
  private func connected(
    _ harness: StreamHarness, _ transport: Transport = .ws
  ) throws -> TestStream {
    try connected(to: try harness.listen(transport))
  }

  private func connected(to server: Endpoint) throws -> TestStream {
    let client = try TestStream(to: server)
    client.send(request())
    let answer = client.receive(head: ())
    #expect(answer.hasPrefix("HTTP/1.1 101 "))
    #expect(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "RFC 6455 §1.3")
    #expect(answer.lowercased().contains("sec-websocket-protocol: sip\r\n"))
    return client
  }

  @Test("RFC 7118 §5: each message is one of SIP, as text or binary, in one frame or several")
  func messages() throws {
    let harness = try StreamHarness()
    let client = try connected(harness)
    // No length is needed.
    let short = Sample.options(1, over: "WS").replacing("Content-Length: 0\r\n", with: "")
    client.send(frame(short))
    client.send(frame(Array(Sample.options(2).utf8), 2))
    let half = Sample.options(3, body: "v=0\r\n")
    client.send(frame(String(half.prefix(40)), isLast: false))
    client.send(frame(Array(half.dropFirst(40).utf8), 0))
    let messages = harness.messages(3)
    #expect(messages.map(\.text) == [short, Sample.options(2), half])
    let flow = try #require(messages.first?.flow)
    #expect(flow.transport == .ws && flow.connection != nil)
    harness.service.send([Transmission(bytes: Array("hello".utf8), destination: .flow(flow))])
    #expect(client.receive(bytes: 7) == [0x81, 5] + Array("hello".utf8))
    harness.service.send([Transmission(bytes: [0xFF, 0xFE], destination: .flow(flow))])
    #expect(client.receive(bytes: 4) == [0x82, 2, 0xFF, 0xFE], "what is no text")
  }

  @Test("A ping is answered with what it carries, and a double CRLF with a single one")
  func keepAlive() throws {
    let harness = try StreamHarness()
    let client = try connected(harness)
    client.send(frame("are you", 9))
    #expect(client.receive(bytes: 9) == [0x8A, 7] + Array("are you".utf8))
    client.send(frame("\r\n\r\n"))
    #expect(client.receive(bytes: 4) == [0x81, 2, 13, 10])
  }

  @Test("RFC 6455 §5.5: who closes is answered, and the switch is told")
  func close() throws {
    let harness = try StreamHarness()
    let client = try connected(harness)
    client.send(frame(Sample.options(1)))
    let flow = try #require(harness.messages(1).first?.flow)
    client.send(frame([3, 232], 8))
    #expect(client.receive(bytes: 4) == [0x88, 2, 3, 232])
    #expect(client.isClosedByPeer())
    #expect(harness.closed(1) == [flow.connection])
  }

  @Test(
    "A12: what no browser does ends the connection",
    arguments: [
      ("unmasked", 1002), ("too long", 1009), ("too long at once", 1009), ("begun twice", 1002),
      ("ends nothing", 1002), ("unknown", 1002), ("compressed", 1002), ("no text", 1007),
      ("long ping", 1002), ("too many parts", 1008),
    ])
  func violations(_ kind: String, _ code: Int) throws {
    let harness = try StreamHarness()
    let client = try connected(harness)
    let part = [UInt8](repeating: 65, count: 40_000)
    let bytes: [UInt8] =
      switch kind {
      case "unmasked": frame(Array("x".utf8), isMasked: false)
      case "too long": frame(part, isLast: false) + frame(part, 0)
      case "too long at once": [0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4]
      case "begun twice": frame(part, isLast: false) + frame(part)
      case "ends nothing": frame(part, 0)
      case "compressed": [frame(part)[0] | 0x40] + frame(part).dropFirst()
      case "no text": frame([0xFF, 0xFE])
      case "long ping": frame([UInt8](repeating: 1, count: 126), 9)
      case "too many parts":
        frame(part, isLast: false) + (0..<64).flatMap { _ in frame([], 0, isLast: false) }
      case _: frame([], 5)
      }
    client.send(bytes)
    #expect(client.receive(bytes: 4) == [0x88, 2, UInt8(code >> 8), UInt8(code & 0xFF)])
    #expect(client.isClosedByPeer(), "\(kind)")
    #expect(isLeft(by: harness))
  }

  @Test(
    "RFC 6455 §10.2: a page connects where it is named only; what is no browser names none",
    arguments: [
      (nil, [], 101), (nil, ["https://phone.example"], 101), ("https://pbx.example", [], 403),
      ("https://phone.example", ["https://Phone.example"], 101),
      ("null", ["https://phone.example"], 403),
      ("http://phone.example", ["https://phone.example"], 403),
      ("https://phone.example.evil", ["https://phone.example"], 403),
    ] as [(String?, [String], Int)])
  func origin(_ origin: String?, _ named: [String], _ status: Int) throws {
    let harness = try StreamHarness { $0.webSocketOrigins = named }
    let client = try TestStream(to: try harness.listen(.ws))
    client.send(request(origin))
    #expect(client.receive(head: ()).hasPrefix("HTTP/1.1 \(status) "))
    if status != 101 { #expect(client.isClosedByPeer()) }
  }

  @Test("A12: what is no request for a WebSocket of ours is answered and closed")
  func refused() throws {
    let harness = try StreamHarness { $0.webSocketOrigins = ["https://a.example"] }
    let server = try harness.listen(.ws)
    let good = request()
    for (text, status) in [
      ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426), (request(subprotocol: "xmpp"), 400),
      (request(subprotocol: "SIP"), 400), (request(version: "8"), 426),
      (good.replacing("Sec-WebSocket-Key", with: "X"), 400),
      (good.replacing(Self.key, with: "c2hvcnQ="), 400),
      (good.replacing("Host: ", with: "X: "), 400),
      (good.replacing("GET", with: "POST"), 426),
      (good.replacing("HTTP/1.1", with: "HTTP/1.0"), 426),
      (good.replacing("keep-alive, Upgrade", with: "keep-alive"), 426),
      (
        request("https://a.example").replacing(
          "Origin:", with: "Origin: https://b.example\r\nOrigin:"), 403
      ),
    ] {
      let client = try TestStream(to: server)
      client.send(text)
      #expect(client.receive(head: ()).hasPrefix("HTTP/1.1 \(status) "), "\(text)")
      #expect(client.isClosedByPeer())
    }
    for text in [
      Sample.options(1), "GET / HTTP/1.1\r\nX: \(String(repeating: "y", count: 20_000))",
      // The parser skips these, and keeps them.
      "GET / HTTP/1.1\r\nX:\(String(repeating: " ", count: 20_000))",
    ] {
      let client = try TestStream(to: server)
      client.send(text)
      #expect(client.isClosedByPeer())
    }
    #expect(isLeft(by: harness))
    let counts = refusals(of: harness)
    #expect(
      [counts["no_upgrade"], counts["foreign_page"], counts["other_version"]] == [4, 1, 1])
    #expect([counts["no_handshake"], counts["no_sip"], counts["unfinished"]] == [3, 2, 0])
    // What is too long may be found out by the parser before.
    #expect(
      (counts["no_http"] ?? 0) >= 1 && (counts["no_http"] ?? 0) + (counts["too_long"] ?? 0) == 3)
  }

  /// How many handshakes were refused, by why.
  private func refusals(of harness: StreamHarness) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: harness.service.counters.webSocketsRefused.map { ($0, $1) })
  }

  @Test(
    "A12: what comes in one piece with the handshake is of the WebSocket, never a further request")
  func pipelined() throws {
    let harness = try StreamHarness()
    let server = try harness.listen(.ws)
    let eager = try TestStream(to: server)
    eager.send(Array(request().utf8) + frame(Sample.options(1)))
    #expect(harness.messages(1).map(\.text) == [Sample.options(1)])
    let long = String(repeating: "x", count: 20_000)
    for tail in ["GET / HTTP/1.1\r\nX: \(long.prefix(200))\r\n\r\n", long] {
      for head in [request(), request().replacing("keep-alive, Upgrade", with: "keep-alive")] {
        let client = try TestStream(to: server)
        client.send(head + tail)
        #expect(client.isClosedByPeer())
      }
    }
    #expect(try connected(harness).receive(bytes: 0) == [], "the server is still there")
  }

  @Test("A12: who does not end his handshake, or sends nothing after it, is closed")
  func slow() throws {
    let harness = try StreamHarness { $0.streams.firstMessage = .milliseconds(200) }
    let slow = try TestStream(to: try harness.listen(.ws))
    slow.send("GET / HTTP/1.1\r\n")
    let idle = try connected(harness)
    #expect(slow.isClosedByPeer() && idle.isClosedByPeer())
    #expect(isLeft(by: harness))
    #expect(refusals(of: harness).filter { $0.value > 0 } == ["unfinished": 1])
  }

  /// A client in good standing, on a server that waits so long for the end of a message.
  private func hasty(
    _ patience: Duration = .milliseconds(200)
  ) throws -> (harness: StreamHarness, client: TestStream, flow: Flow) {
    let harness = try StreamHarness { $0.streams.message = patience }
    let client = try connected(harness)
    client.send(frame(Sample.options(1)))
    let flow = try #require(harness.messages(1).first?.flow)
    harness.service.trust([try #require(flow.connection)])
    return (harness, client, flow)
  }

  @Test(
    "A12: who never ends a message, or a frame, is closed, whoever he is",
    arguments: ["a message", "a frame", "a frame behind another"])
  func half(what: String) throws {
    let (harness, client, flow) = try hasty()
    switch what {
    case "a message": client.send(frame("OPTIONS", isLast: false))
    case "a frame": client.send(Array(frame("OPTIONS").prefix(8)))
    case _: client.send(frame(Sample.options(2)) + frame("OPTIONS").prefix(8))
    }
    #expect(client.isClosedByPeer())
    #expect(harness.closed(1) == [flow.connection])
  }

  @Test("A12: pings in the midst of a message give it no more time")
  func pinged() throws {
    // Longer than a busy machine lets a ping wait.
    let (harness, client, _) = try hasty(.seconds(2))
    client.send(frame("OPTIONS", isLast: false))
    // Ten seconds of pings, unless the connection ends before.
    let rounds = (0..<200).prefix { _ in
      guard client.isSent(frame("", 9)), client.receive(bytes: 2) == [0x8A, 0] else { return false }
      usleep(50_000)
      return true
    }
    #expect((1..<200).contains(rounds.count))
    #expect(harness.closed(1).count == 1, "by the server, which is still there")
  }

  @Test("Frames of every length count as whole")
  func frameLengths() throws {
    let (harness, client, flow) = try hasty()
    let sizes = [0, 125, 126, 1_000, 32_000]
    for (index, size) in sizes.enumerated() {
      client.send(frame(Sample.options(2 + index, body: String(repeating: "x", count: size))))
    }
    #expect(harness.messages(1 + sizes.count).count == 1 + sizes.count)
    // Four times as long as a message may take.
    usleep(800_000)
    client.send(frame("are you", 9))
    #expect(client.receive(bytes: 9) == [0x8A, 7] + Array("are you".utf8))
    harness.service.send([Transmission(bytes: [65], destination: .flow(flow))])
    #expect(client.receive(bytes: 3) == [0x81, 1, 65])
  }

  @Test("A12: a stranger's frames count, whatever they are, and few of them wait")
  func paced() throws {
    let harness = try StreamHarness { $0.streams.strangerPace = Rate(every: .seconds(1), burst: 2) }
    let client = try connected(harness)
    client.send(frame("x", 9) + frame("x", 10) + frame(Sample.options(1)))
    client.send((0..<200).flatMap { _ in frame("", 10) })
    #expect(client.isClosedByPeer())
    #expect(isLeft(by: harness))
  }

  @Test(
    "A12: frames in any order, damaged and cut anywhere, leave no connection behind",
    arguments: 1...8 as ClosedRange<UInt64>)
  func damaged(seed: UInt64) throws {
    let harness = try StreamHarness {
      $0.streams.strangerPace = Rate(every: .nanoseconds(1), burst: 1_000)
    }
    let server = try harness.listen(.ws)
    var dice = SplitMix(seed: seed)
    for _ in 0..<25 {
      let client = try connected(to: server)
      var bytes = (0..<Int.random(in: 1...12, using: &dice)).flatMap { _ in anyFrame(&dice) }
      for _ in 0..<Int.random(in: 0...3, using: &dice) {
        bytes[Int.random(in: bytes.indices, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
      }
      while !bytes.isEmpty {
        let cut = min(bytes.count, Int.random(in: 1...30_000, using: &dice))
        guard client.isSent(Array(bytes.prefix(cut))) else { break }
        bytes.removeFirst(cut)
      }
      client.endSending()
      #expect(client.isClosedByPeer())
    }
    #expect(isLeft(by: harness))
    for case .message(let bytes, _) in harness.inputs.all {
      #expect(bytes.count <= MessageLimits.messageBytes)
    }
  }

  /// Of any kind and many lengths, mostly as a browser would write it.
  private func anyFrame(_ dice: inout SplitMix) -> [UInt8] {
    let sizes = [0, 1, 4, 125, 126, 127, 1_000, 30_000, 65_535]
    let size = sizes.randomElement(using: &dice) ?? 0
    let opcode: UInt8 =
      Int.random(in: 0..<8, using: &dice) == 0
      ? UInt8.random(in: 0...15, using: &dice) : [0, 1, 2, 9].randomElement(using: &dice) ?? 1
    return frame(
      [UInt8](repeating: 65, count: size), opcode, isLast: Bool.random(using: &dice),
      isMasked: Int.random(in: 0..<16, using: &dice) > 0)
  }

  /// Whether no connection is left, at the latest in a while: a peer may see the end before the server has written it down.
  private func isLeft(by harness: StreamHarness) -> Bool {
    for _ in 0..<1_000 where harness.service.connectionCount > 0 { usleep(5_000) }
    return harness.service.connectionCount == 0
  }

  @Test("Nobody is connected to by WebSocket")
  func outwards() throws {
    let harness = try StreamHarness()
    let remote = try harness.listen(.ws)
    let hop = NextHop(transport: .ws, remote: remote, local: Endpoint(.v4Loopback, 0))
    let transaction = ClientTransactionID(3)
    harness.service.send([
      Transmission(bytes: [1], destination: .open(hop), transaction: transaction)
    ])
    #expect(harness.failures(1).map(\.0) == [transaction])
  }
}

extension TestStream {
  /// The head of an answer of HTTP.
  fileprivate func receive(head: Void) -> String {
    var bytes: [UInt8] = []
    while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
      let next = receive(bytes: 1)
      guard !next.isEmpty else { break }
      bytes += next
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
