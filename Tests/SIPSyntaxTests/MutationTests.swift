import Elements
import Glibc
import TestKit
import Testing

@testable import SIPSyntax

@Suite struct MutationTests {
  /// Asks a message for everything, so that no accessor is left out; errors are answers, traps are not.
  private func interrogate(_ message: Message) {
    _ = (message.topVia.host, message.topVia.received, message.topVia.maddr, message.topVia.branch)
    _ = (message.from.displayText, message.to.tag, message.fromURI.addressOfRecord)
    _ = (message.requestURI?.parameters, message.requestURI?.headers, message.reasonPhrase)
    _ = (message.requestURI?.isEquivalent(to: message.toURI), message.toURI.telephoneNumber)
    _ = (message.toURI.asRequestURI, message.expires, message.minSE, message.rseq)
    _ = (message.require, message.supported, message.allow, message.maxBreadth)
    _ = try? (message.vias(), message.routes(), message.recordRoutes(), message.path())
    if case .contacts(let contacts) = try? message.contacts() {
      for contact in contacts { _ = (contact.expires, contact.preference, contact.instance) }
    }
    for name in [HeaderName.wwwAuthenticate, .authorization, .proxyAuthorization] {
      _ = try? (message.digestChallenges(name), message.digestCredentials(name))
    }
    _ = try? (message.sessionExpires(), message.replaces(), message.referTo(), message.rack())
    _ = try? (message.event(), message.subscriptionState(), message.privacy(), message.date())
    _ = try? (message.reasons(), message.diversions(), message.historyInfo(), message.warnings())
    _ = try? (message.retryAfter(), message.contentType(), message.accept(), message.join())
    _ = try? message.bodyParts()
    for field in message.headers.fields where field.name == nil {
      _ = message.first(named: message.text(field.nameRange))
    }
  }

  /// One change that a bad sender or a bad line could make.
  private func mutate(_ bytes: inout [UInt8], using random: inout SplitMix) {
    guard !bytes.isEmpty else { return }
    let at = Int.random(in: 0..<bytes.count, using: &random)
    let special = Array("\r\n\t \"\\<>;,:@=?/%[]()*+\u{0}".utf8) + [0x80, 0xFF, 0x7F, 0x30]
    switch Int.random(in: 0..<7, using: &random) {
    case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[at] = special[Int.random(in: 0..<special.count, using: &random)]
    case 2: bytes.insert(special[Int.random(in: 0..<special.count, using: &random)], at: at)
    case 3: bytes.remove(at: at)
    case 4: bytes.removeLast(bytes.count - at)
    case 5:
      let end = min(bytes.count, at + Int.random(in: 1...40, using: &random))
      bytes.insert(contentsOf: bytes[at..<end], at: at)
    case _:
      let end = min(bytes.count, at + Int.random(in: 1...8, using: &random))
      bytes.removeSubrange(at..<end)
    }
  }

  /// Property: no bytes trap; what is taken can be asked, answered and built again; what is refused can be answered.
  @Test(
    "A17, RFC 4475 §3: mutated messages never trap, and what is taken means the same when built again",
    arguments: UInt64(1)...60)
  func mutations(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    for path in Corpus.torture + Corpus.flows {
      var bytes = try Fixtures.bytes(path)
      for _ in 0..<Int.random(in: 1...6, using: &random) { mutate(&bytes, using: &random) }
      let framing: Framing = seed % 2 == 0 ? .datagram : .stream
      switch Result(catching: { () throws(MessageError) in
        try MessageParser.parse(bytes, framing: framing)
      }) {
      case .success(let message): try check(message, path)
      case .failure(.rejected(let request)):
        let answer = MessageBuilder(
          responseTo: request, source: .init(.v6Loopback, 1), toTag: [0x78])
        #expect(answer.finish().suffix(4) == [0x0D, 0x0A, 0x0D, 0x0A])
      case .failure(.unanswerable): break
      }
      var framer = StreamFramer()
      framer.append(bytes)
      _ = try? (framer.next(), framer.next())
    }
  }

  private func check(_ message: Message, _ path: String) throws {
    interrogate(message)
    let source = Endpoint(.v6Loopback, 5060)
    let answer = MessageBuilder(responseTo: message, 200, source: source, toTag: [0x78])
    let response = try MessageParser.parse(answer.finish(), framing: .stream)
    #expect(response.cseq == message.cseq && response.toTag != nil)
    guard let meaning = try? Meaning(message), let rebuilt = try? MessageBuilder.rebuild(message)
    else { return }
    let again = try MessageParser.parse(rebuilt, framing: .stream)
    #expect(try Meaning(again) == meaning, "\(path)")
  }

  /// Hostile shapes, each of `count` pieces; parsing twice as many must not take much more than twice the work.
  static let shapes: [(name: String, head: String, piece: String)] = [
    ("header fields", "", "X: y\r\n"), ("folds", "X: a\r\n", " b\r\n"), ("commas", "Route: ", ","),
    ("open quotes", "Route: ", "\"\\"), ("quoted commas", "Route: ", "\",\","),
    ("open brackets", "Contact: ", "<"), ("contacts", "Contact: <sip:a@b>", ",<sip:a@b>"),
    ("parameters", "Contact: <sip:a@b>", ";p"), ("vias", "Via: a", ",a"),
    ("colons", "Contact: <sip:a", ":a"), ("at signs", "Contact: <sip:a", "@a"),
    ("controls", "X: ", "\u{1}\u{2}\t"), ("white space", "To : ", " \t"),
    ("escapes", "To: <sip:a", "%41"), ("challenges", "Authorization: Digest", " a=b,c d=e,"),
    ("languages", "Accept: ", "a/b;"), ("supported", "Supported: ", "a,"),
    ("comments", "Retry-After: 1 ", "("), ("uri parameters", "To: <sip:a", ";a=b"),
    ("history", "History-Info: <sip:a@b>;index=1", ".1"),
  ]

  /// CPU time of this thread: other tests and other programs do not count.
  private func threadTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  @Test(
    "RFC 3261 §26.3.2.4: hostile shapes of full size cost no more than linear work",
    arguments: 0..<20)
  func hostileShapes(index: Int) throws {
    let shape = Self.shapes[index]
    func run(_ pieces: Int) -> Duration {
      let text = """
        OPTIONS sip:bob@example.com SIP/2.0\r
        Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r
        From: <sip:a@example.com>;tag=1\r
        To: <sip:b@example.com>\r
        Call-ID: c1\r
        CSeq: 1 OPTIONS\r
        \(shape.head)\(String(repeating: shape.piece, count: pieces))\r
        \r

        """
      let bytes = Array(text.utf8)
      let start = threadTime()
      if let message = try? MessageParser.parse(bytes, framing: .datagram) {
        interrogate(message)
      }
      var framer = StreamFramer()
      framer.append(bytes)
      _ = try? framer.next()
      return threadTime() - start
    }
    let pieces = 60_000 / shape.piece.utf8.count
    _ = run(pieces / 100)
    // Quadratic work on a full message would take many seconds of CPU.
    #expect(run(pieces) < .seconds(3), "\(shape.name)")
  }
}
