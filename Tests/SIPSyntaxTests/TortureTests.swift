import Elements
import TestKit
import Testing

@testable import SIPSyntax

/// One line of `verdicts.tsv`.
struct Verdict: Sendable, CustomTestStringConvertible {
  let path: String
  let section: String
  let isRequest: Bool
  let parser: String
  let preferred: String

  var testDescription: String { "\(path) §\(section)" }

  static func all(in folder: String) -> [Verdict] {
    guard let rows = try? Fixtures.table("\(folder)/verdicts.tsv") else { return [] }
    return rows.map { row in
      Verdict(
        path: "\(folder)/\(row[0])", section: row[1], isRequest: row[3] == "request",
        parser: row[5], preferred: row[6])
    }
  }
}

@Suite struct TortureTests {
  static let verdicts = Verdict.all(in: "rfc4475") + Verdict.all(in: "rfc5118")

  @Test("RFC 4475, RFC 5118: all messages of both archives are in the table")
  func complete() {
    #expect(Self.verdicts.count == 50 + 12)
  }

  @Test("RFC 4475, RFC 5118: each message is taken or refused as the RFC asks", arguments: verdicts)
  func verdict(_ verdict: Verdict) throws {
    let bytes = try Fixtures.bytes(verdict.path)
    let result = Result { () throws(MessageError) in
      try MessageParser.parse(bytes, framing: .datagram)
    }
    switch (verdict.parser, result) {
    case ("any", _): break
    case ("accept", .success(let message)):
      #expect(message.isRequest == verdict.isRequest)
    case ("accept", .failure(let error)):
      Issue.record("refused: \(error)")
    case ("reject", .success):
      Issue.record("taken")
    case ("reject", .failure(.rejected(let request))):
      #expect(verdict.isRequest && "\(request.status.number)" == verdict.preferred)
      #expect(request.isAnswerable || verdict.path == "rfc4475/badinv01.dat")
    case ("reject", .failure(.unanswerable)):
      #expect(!verdict.isRequest && verdict.preferred == "drop")
    case ("may-reject", .success):
      #expect(verdict.preferred == "process")
    case ("may-reject", .failure(.rejected(let request))):
      #expect("\(request.status.number)" == verdict.preferred)
    case (let parser, let result):
      Issue.record("\(parser) and \(result)")
    }
  }

  @Test(
    "RFC 3261 §8.2.6: the refusal of a request can be parsed and carries what its sender matches",
    arguments: verdicts.filter { $0.parser == "reject" && $0.isRequest })
  func answerToRejected(_ verdict: Verdict) throws {
    let bytes = try Fixtures.bytes(verdict.path)
    let error = try #require(throws: MessageError.self) {
      try MessageParser.parse(bytes, framing: .datagram)
    }
    guard case .rejected(let request) = error else {
      Issue.record("no answer")
      return
    }
    let source = Endpoint(.v4Loopback, 5060)
    let builder = MessageBuilder(responseTo: request, source: source, toTag: Array("us".utf8))
    let answer = String(decoding: builder.finish(), as: UTF8.self)
    #expect(answer.hasPrefix("SIP/2.0 \(verdict.preferred) "))
    #expect(answer.contains("\r\nVia: ") && answer.contains("\r\nCSeq: "))
    #expect(answer.contains("\r\nCall-ID: ") && answer.hasSuffix("\r\n\r\n"))
  }
}
