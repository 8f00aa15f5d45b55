package import Elements
import Foundation
package import SIP

/// A request as scanners send it, small and without a past.
package struct StrangerRequest {
  package let method: String
  let uri: String
  let from: String
  let to: String
  /// More header lines, each with its end.
  let more: String
  /// Of an answer; empty before there is one.
  private var toTag = ""
  private(set) var sequence = 1
  /// Tells requests apart; of the same length in all, so that answers can be compared.
  let number: Int

  private static let marks = 1_000_000..<10_000_000

  /// Of its Via: that of an ACK of a refusal and of a CANCEL is the INVITE's (RFC 3261 §9.1, §17.1.1.3), that of
  /// others is their own.
  var branch: String { "z9hG4bK\(number)\(mark)" }
  private var mark = ""

  package init(
    _ method: String, _ uri: String, from: String, to: String, more: String = "",
    number: Int? = nil
  ) {
    (self.method, self.uri, self.from, self.to) = (method, uri, from, to)
    (self.more, self.number) = (more, number ?? .random(in: Self.marks))
  }

  /// On the wire.
  package func bytes(over transport: Transport, from local: Endpoint) -> [UInt8] {
    let contact = method == "INVITE" ? "Contact: <sip:\(local)>\r\n" : ""
    return Array(
      """
      \(method) \(uri) SIP/2.0\r
      Via: SIP/2.0/\(transport.viaToken) \(local);rport;branch=\(branch)\r
      Max-Forwards: 70\r
      From: <\(from)>;tag=\(number)\r
      To: <\(to)>\(toTag.isEmpty ? "" : ";tag=\(toTag)")\r
      Call-ID: \(number)\r
      CSeq: \(sequence) \(method)\r
      \(contact)\(more)Content-Length: 0\r
      \r

      """.utf8)
  }

  /// What ends an INVITE after this answer to it: CANCEL while it may still be refused (RFC 3261 §9.1), ACK for a refusal
  /// (§17.1.1.3), ACK and BYE for a call (§13.2.2.4, §15.1.1).
  package func ending(after answer: StrangerAnswer) -> [StrangerRequest] {
    func next(
      _ method: String, tag: String, sequence: Int = 1, mark: String = ""
    ) -> StrangerRequest {
      var request = StrangerRequest(method, uri, from: from, to: to, number: number)
      (request.toTag, request.sequence, request.mark) = (tag, sequence, mark)
      return request
    }
    let tag = answer.values("To").first?.components(separatedBy: "tag=").last ?? ""
    switch answer.status {
    case ..<200: return [next("CANCEL", tag: "")]
    case ..<300:
      return [next("ACK", tag: tag, mark: "a"), next("BYE", tag: tag, sequence: 2, mark: "b")]
    case _: return [next("ACK", tag: tag)]
    }
  }
}
