package import Elements

/// A SIP message that was parsed: immutable, and as cheap to copy as a reference.
///
/// Start line, top Via, From, To, Call-ID, CSeq, Max-Forwards, Contact and Content-Length were checked
/// by ``MessageParser``, so that their accessors cannot fail. All other header fields are offsets until
/// somebody asks (`Message+Headers.swift`). Ranges are offsets of ``bytes``.
package struct Message: Sendable {
  /// What was found, behind one reference; nothing in it ever changes.
  final class Storage: Sendable {
    let headers: HeaderFields
    let start: StartLine
    /// Of the start line, or of CSeq: asked for several times in each message.
    let method: Method
    let via: ViaParts
    let from: NameAddressParts
    let to: NameAddressParts
    let callID: ByteRange
    let cseq: CSeq
    let maxForwards: UInt8?
    let contact: NameAddressParts?
    let body: ByteRange

    init(
      headers: HeaderFields, start: StartLine, via: ViaParts, from: NameAddressParts,
      to: NameAddressParts, callID: ByteRange, cseq: CSeq, maxForwards: UInt8?,
      contact: NameAddressParts?, body: ByteRange
    ) {
      (self.headers, self.start, self.body) = (headers, start, body)
      method = if case .request(let method, _, _) = start { method } else { cseq.method }
      (self.via, self.from, self.to) = (via, from, to)
      (self.callID, self.cseq, self.maxForwards) = (callID, cseq, maxForwards)
      self.contact = contact
    }
  }

  let storage: Storage

  /// The bytes that the message was parsed from; a datagram may have more behind the body.
  package var bytes: [UInt8] { storage.headers.bytes }
  package var headers: HeaderFields { storage.headers }
  /// Offset of the first byte behind the message.
  package var endOffset: Int { Int(storage.body.upper) }

  // MARK: Start line

  package var isRequest: Bool {
    if case .request = storage.start { true } else { false }
  }

  /// The method of a request; of a response the method of the CSeq.
  package var method: Method { storage.method }

  /// The Request-URI; nil for a response.
  package var requestURI: URI? {
    guard case .request(_, let range, let parts) = storage.start else { return nil }
    return URI(bytes: bytes.span.copy(range), parts: parts)
  }

  /// The scheme of the Request-URI; nil for a response.
  package var requestScheme: URI.Scheme? {
    if case .request(_, _, let parts) = storage.start { parts.scheme } else { nil }
  }

  /// Where the Request-URI stands; nil for a response.
  package var requestURIRange: ByteRange? {
    if case .request(_, let range, _) = storage.start { range } else { nil }
  }

  /// The status of a response; nil for a request.
  package var status: StatusCode? {
    if case .response(let status, _) = storage.start { status } else { nil }
  }

  /// The reason phrase of a response as text, empty for a request.
  package var reasonPhrase: String {
    if case .response(_, let reason) = storage.start { text(reason) } else { "" }
  }

  // MARK: What every message has

  package var topVia: Via { Via(bytes.span, storage.via) }
  /// The branch of the top Via, nil if it has none (RFC 2543).
  package var branch: ByteRange? { storage.via.branch }
  /// True if the branch is unique for its transaction: magic cookie and something behind it.
  package var hasTransactionID: Bool { storage.via.hasTransactionID }
  /// Host and port of the top Via, as received: part of the transaction key (RFC 3261 §17.2.3).
  package var sentBy: ByteRange { storage.via.sentBy }

  /// The top Via is the only value in its line.
  package var isViaAlone: Bool { first(.via)?.upper == storage.via.value.upper }

  package var from: NameAddress { NameAddress(bytes.span, storage.from) }
  package var to: NameAddress { NameAddress(bytes.span, storage.to) }
  package var fromTag: ByteRange? { storage.from.tag }
  package var toTag: ByteRange? { storage.to.tag }
  package var fromURI: URI {
    URI(bytes: bytes.span.copy(storage.from.uri), parts: storage.from.uriParts)
  }
  package var toURI: URI { URI(bytes: bytes.span.copy(storage.to.uri), parts: storage.to.uriParts) }
  /// The only value of Contact; nil for none, several and "*".
  package var onlyContact: NameAddress? { storage.contact.map { NameAddress(bytes.span, $0) } }
  /// The URI of the only value of Contact; nil for none, several and "*".
  package var contactURI: URI? {
    storage.contact.map { URI(bytes: bytes.span.copy($0.uri), parts: $0.uriParts) }
  }
  package var callID: ByteRange { storage.callID }
  package var cseq: CSeq { storage.cseq }
  /// Max-Forwards, nil if it is missing; above 255 it is 255 (RFC 4475 §3.1.2.4).
  package var maxForwards: UInt8? { storage.maxForwards }
  /// The body, kept byte for byte; empty if there is none.
  package var body: ByteRange { storage.body }
  package var bodyBytes: [UInt8] { Array(bytes[storage.body.range]) }

  // MARK: Generic access

  package func first(_ name: HeaderName) -> ByteRange? { headers.first(name) }
  package func first(named name: String) -> ByteRange? { headers.first(named: name) }
  package func has(_ name: HeaderName) -> Bool { headers.has(name) }
  package func isOnlyOnce(_ name: HeaderName) -> Bool { headers.isOnlyOnce(name) }
  package func lines(_ name: HeaderName) -> [ByteRange] { headers.lines(name) }
  package func values(_ name: HeaderName) -> [ByteRange] { headers.values(name) }
  package func text(_ range: ByteRange) -> String { headers.text(range) }
  package func text(_ name: HeaderName) -> String? { headers.text(name) }
  /// The bytes of a range, without a copy.
  package subscript(_ range: ByteRange) -> ArraySlice<UInt8> { headers[range] }
}

/// The first line of a message, checked.
enum StartLine: Sendable {
  case request(Method, uri: ByteRange, URIParts)
  case response(StatusCode, reason: ByteRange)
}
