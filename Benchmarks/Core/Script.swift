import Elements
import SIP
import Switch

/// What a phone and a carrier write in one registration or call.
struct Script {
  let domain = Customer.domain
  let secrets = (0..<Customer.extensions).map { Customer.secret($0) }
  private var turn = 0

  /// REGISTER, 401, REGISTER with a digest, 200.
  mutating func register(_ number: Int, with counter: inout Counter) throws(ScriptError) {
    turn += 1
    let challenge = try answer(to: register(number, 2 * turn - 1, nil), "401", &counter)
    let credentials = digest(number, "REGISTER", "sip:\(domain)", challenge)
    _ = try answer(to: register(number, 2 * turn, credentials), "200", &counter)
  }

  /// INVITE, 401, ACK, INVITE with a digest, ringing, answer, ACK, BYE.
  mutating func call(_ number: Int, with counter: inout Counter) throws(ScriptError) {
    turn += 1
    let uri = "sip:+44207\(1_000_000 + turn)@\(domain)"
    let challenge = try answer(to: invite(number, uri, 1, nil), "401", &counter)
    _ = counter.receive(
      request("ACK", uri, number, 1, "i1", to: challenge.value("To: ")), from: Counter.phone)
    let credentials = digest(number, "INVITE", uri, challenge)
    let first = counter.receive(invite(number, uri, 2, credentials), from: Counter.phone)
    let outgoing = try find("INVITE", in: first)
    _ = counter.receive(reply("180 Ringing", to: outgoing, body: nil), from: Counter.carrier)
    let won = counter.receive(
      reply("200 OK", to: outgoing, body: Self.sdp), from: Counter.carrier)
    let answered = try find("SIP/2.0 200", in: won)
    let (to, target) = (answered.value("To: "), answered.between("Contact: <", ">"))
    _ = counter.receive(request("ACK", target, number, 2, "ack", to: to), from: Counter.phone)
    let ended = counter.receive(
      request("BYE", target, number, 3, "bye", to: to), from: Counter.phone)
    let bye = try find("BYE", in: ended)
    _ = counter.receive(reply("200 OK", to: bye, body: nil), from: Counter.carrier)
  }

  private func answer(
    to request: [UInt8], _ status: String, _ counter: inout Counter
  ) throws(ScriptError) -> String {
    try find("SIP/2.0 \(status)", in: counter.receive(request, from: Counter.phone))
  }

  private func find(_ start: String, in sent: [Transmission]) throws(ScriptError) -> String {
    for transmission in sent {
      let text = String(decoding: transmission.bytes, as: UTF8.self)
      if text.hasPrefix(start) { return text }
    }
    throw ScriptError(
      wanted: start, found: sent.map { String(decoding: $0.bytes, as: UTF8.self) })
  }

  // MARK: - Messages

  private func register(_ number: Int, _ cseq: Int, _ credentials: String?) -> [UInt8] {
    let address = "sip:\(Customer.user(number))@\(domain)"
    return text([
      "REGISTER sip:\(domain) SIP/2.0", via("r\(cseq)"), "From: <\(address)>;tag=f\(number)",
      "To: <\(address)>", "Call-ID: r\(number)", "CSeq: \(cseq) REGISTER", contact(number),
      "Max-Forwards: 70", "Expires: 3600", credentials, "Content-Length: 0", "", "",
    ])
  }

  private func invite(
    _ number: Int, _ uri: String, _ cseq: Int, _ credentials: String?
  ) -> [UInt8] {
    text([
      "INVITE \(uri) SIP/2.0", via("i\(cseq)"), from(number), "To: <\(uri)>",
      "Call-ID: s\(turn)", "CSeq: \(cseq) INVITE", contact(number), "Max-Forwards: 70",
      credentials, "Content-Type: application/sdp", "Content-Length: \(Self.sdp.utf8.count)", "",
      Self.sdp,
    ])
  }

  private func request(
    _ method: String, _ uri: String, _ number: Int, _ cseq: Int, _ branch: String, to: String
  ) -> [UInt8] {
    text([
      "\(method) \(uri) SIP/2.0", via(branch), from(number), "To: \(to)", "Call-ID: s\(turn)",
      "CSeq: \(cseq) \(method)", "Max-Forwards: 70", "Content-Length: 0", "", "",
    ])
  }

  /// The carrier's answer to a request of ours.
  private func reply(_ status: String, to request: String, body: String?) -> [UInt8] {
    let to = request.value("To: ")
    return text([
      "SIP/2.0 \(status)", "Via: " + request.value("Via: "), "From: " + request.value("From: "),
      "To: " + (to.contains(";tag=") ? to : "\(to);tag=c\(turn)"),
      "Call-ID: " + request.value("Call-ID: "), "CSeq: " + request.value("CSeq: "),
      "Contact: <sip:carrier@\(Counter.carrier)>",
      body.map { _ in "Content-Type: application/sdp" },
      "Content-Length: \(body?.utf8.count ?? 0)", "", body ?? "",
    ])
  }

  private func via(_ branch: String) -> String {
    "Via: SIP/2.0/UDP \(Counter.phone);rport;branch=z9hG4bK\(branch)-\(turn)"
  }

  private func from(_ number: Int) -> String {
    "From: <sip:\(Customer.user(number))@\(domain)>;tag=f\(turn)"
  }

  private func contact(_ number: Int) -> String {
    "Contact: <sip:\(Customer.user(number))@\(Counter.phone)>"
  }

  private func text(_ lines: [String?]) -> [UInt8] {
    Array(lines.compactMap { $0 }.joined(separator: "\r\n").utf8)
  }

  /// The phone's answer to a challenge (RFC 7616 §3.4).
  private func digest(
    _ number: Int, _ method: String, _ uri: String, _ challenge: String
  ) -> String {
    let nonce = challenge.between("nonce=\"", "\"")
    let response = DigestSecrets.response(
      secret: secrets[number], method: method, uri: uri, nonce: nonce, cnonce: "b3nc4")
    return """
      Authorization: Digest username="\(Customer.user(number))", realm="\(domain)", \
      nonce="\(nonce)", uri="\(uri)", response="\(response)", algorithm=MD5, cnonce="b3nc4", \
      nc=00000001, qop=auth
      """
  }

  private static let sdp = [
    "v=0", "o=- 1 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0",
    "m=audio 40000 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "",
  ].joined(separator: "\r\n")
}

/// An answer that did not come.
struct ScriptError: Error, CustomStringConvertible {
  let wanted: String
  let found: [String]

  var description: String { "no \(wanted) among:\n\(found.joined(separator: "\n"))" }
}

extension DigestSecrets {
  /// The response to a challenge with qop=auth, by two runs over what HA1 is made of.
  static func response(
    secret: [UInt8], method: String, uri: String, nonce: String, cnonce: String
  ) -> String {
    // MD5 of a:b:c is what `hash` makes of user, realm and password.
    let ha2 = hash(
      user: Array(method.utf8), realm: Array(uri.utf8.prefix { $0 != UInt8(ascii: ":") }),
      password: Secret(String(uri.dropFirst(uri.prefix { $0 != ":" }.count + 1))),
      algorithm: .md5)
    let response = hash(
      user: secret, realm: Array(nonce.utf8),
      password: Secret("00000001:\(cnonce):auth:" + String(decoding: ha2, as: UTF8.self)),
      algorithm: .md5)
    return String(decoding: response, as: UTF8.self)
  }
}

extension String {
  /// What stands behind `start`, up to the end of its line.
  func value(_ start: String) -> String { between("\r\n\(start)", "\r\n") }

  /// What stands behind the first `start` and before the next `end`; empty if there is none.
  func between(_ start: String, _ end: String) -> String {
    let (bytes, start, end) = (Array(utf8), Array(start.utf8), Array(end.utf8))
    guard let from = bytes.firstRange(of: start)?.upperBound,
      let to = bytes[from...].firstRange(of: end)?.lowerBound
    else { return "" }
    return String(decoding: bytes[from..<to], as: UTF8.self)
  }
}
