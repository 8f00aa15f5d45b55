import Elements
import TestKit
import Testing

@testable import SIPSyntax

@Suite struct CallFlowTests {
  /// Misprints of the documents: comments and marks between header fields, a CSeq of another method,
  /// a response without Content-Length on a stream.
  static let misprints: Set<String> = [
    "rfc3665/3.10-F4.sip", "rfc3665/3.7-F8.sip", "rfc3665/3.8-F19.sip", "transfer/5.1-F5.sip",
    "transfer/5.2-F4.sip", "transfer/5.2-F5.sip", "transfer/5.2-F6.sip", "transfer/6.2-F5.sip",
    "transfer/6.3-F5.sip", "transfer/6.5-F3.sip", "transfer/6.5-F3_2.sip",
    "transfer/6.5-F5_2.sip", "transfer/7-F5.sip",
  ]
  /// Misprints inside a header field that only its accessor sees: a lost comma, a fold within a name.
  static let misprintedFields: Set<String> = ["rfc3665/2.1-F3.sip", "transfer/7-F6.sip"]

  @Test("RFC 3665, RFC 5589: all call flows are there")
  func complete() {
    #expect(Corpus.flows.count == 178 + 38)
  }

  @Test("RFC 3665, RFC 5589: each message can be parsed", arguments: Corpus.flows)
  func parses(_ path: String) throws {
    let bytes = try Fixtures.bytes(path)
    if Self.misprints.contains(path) {
      #expect(throws: MessageError.self) { try MessageParser.parse(bytes, framing: .stream) }
      return
    }
    let message = try MessageParser.parse(bytes, framing: .stream)
    #expect(message.hasTransactionID)
    if Self.misprintedFields.contains(path) {
      #expect(throws: SyntaxError.self) {
        _ = try (message.digestCredentials(.authorization), message.replaces())
      }
      return
    }
    for name in [HeaderName.wwwAuthenticate, .proxyAuthenticate] {
      #expect(try message.digestChallenges(name).count == message.lines(name).count)
    }
    for name in [HeaderName.authorization, .proxyAuthorization] {
      #expect(try message.digestCredentials(name).count == message.lines(name).count)
    }
    _ = try (message.routes(), message.recordRoutes(), message.referTo(), message.replaces())
    _ = try (message.event(), message.subscriptionState(), message.contentType())
  }

  @Test(
    "RFC 3261 §7: what was parsed and built again says the same",
    arguments: Corpus.flows + Corpus.torture)
  func roundTrip(_ path: String) throws {
    let bytes = try Fixtures.bytes(path)
    guard let message = try? MessageParser.parse(bytes, framing: .datagram) else { return }
    let again = try MessageParser.parse(MessageBuilder.rebuild(message), framing: .stream)
    #expect(try Meaning(again) == Meaning(message))
  }
}
