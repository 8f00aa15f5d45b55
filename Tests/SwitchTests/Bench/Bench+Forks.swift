import SIP
import Testing

@testable import Switch

extension Bench {
  /// A response to the INVITE of a carrier, such as "200 OK", of a fork that has said nothing before.
  func answerFork(of carrier: UserAgent, _ status: String, body: String) throws {
    let invite = try #require(requests("INVITE", to: carrier.endpoint).first)
    let lines = invite.split(separator: "\r\n").map(String.init)
    let head = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].compactMap { name in
      lines.first { $0.hasPrefix(name) }.map { name == "To:" ? $0 + ";tag=fork" : $0 }
    }
    let rest = [
      "Contact: <sip:\(carrier.endpoint)>", "Content-Type: application/sdp",
      "Content-Length: \(body.utf8.count)", "", body,
    ]
    let text = (["SIP/2.0 \(status)"] + head + rest).joined(separator: "\r\n")
    let flow = Flow(transport: .udp, local: Bench.switchEndpoint, remote: carrier.endpoint)
    happen(.received(Array(text.utf8), flow))
  }
}
