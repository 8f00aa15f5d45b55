package import SIPSyntax

/// A header field to write; line breaks in the value cannot become fields (``MessageBuilder``).
package struct HeaderDraft: Hashable, Sendable {
  package enum Name: Hashable, Sendable {
    case known(HeaderName)
    case other(String)
  }

  package let name: Name
  package let value: [UInt8]

  package init(_ name: HeaderName, _ value: [UInt8]) {
    (self.name, self.value) = (.known(name), value)
  }

  package init(_ name: HeaderName, _ value: String) {
    self.init(name, Array(value.utf8))
  }

  package init(_ name: HeaderName, _ value: some HeaderValue) {
    self.init(name, value.serialized)
  }

  /// A field that may have a name that we do not know.
  package init(named name: String, _ value: [UInt8]) {
    self.name = HeaderName(name).map { .known($0) } ?? .other(name)
    self.value = value
  }
}

/// The body of a message and its Content-Type.
package struct BodyDraft: Hashable, Sendable {
  package let contentType: String
  package let bytes: [UInt8]

  package init(contentType: String, bytes: [UInt8]) {
    (self.contentType, self.bytes) = (contentType, bytes)
  }

  /// A session description (RFC 8866).
  package static func sdp(_ bytes: [UInt8]) -> BodyDraft {
    BodyDraft(contentType: "application/sdp", bytes: bytes)
  }
}

/// The Contact that a message carries.
package enum ContactDraft: Hashable, Sendable {
  /// Where the method establishes a dialog or refreshes its target: our address on the path taken.
  case automatic(user: String?)
  /// This value of the header field; empty means none.
  case exactly([UInt8])

  package static let automatic = ContactDraft.automatic(user: nil)
  package static let none = ContactDraft.exactly([])
}

/// What the user wants to ask.
///
/// The core adds Via, CSeq, Max-Forwards, Contact, Content-Length, and
/// in a dialog everything that the dialog knows: target, From, To, Call-ID and route set.
package struct RequestDraft: Sendable {
  package var method: Method
  /// The Request-URI; nil in a dialog, where the remote target is taken.
  package var target: URI?
  /// Name and address, without a tag.
  package var from: NameAddress?
  package var to: NameAddress?
  /// Nil: a new one is made.
  package var callID: [UInt8]?
  package var fromTag: [UInt8]?
  package var cseq: UInt32?
  package var contact: ContactDraft = .automatic
  /// All further header fields, in their order; Route too, where a request has a preloaded one.
  package var headers: [HeaderDraft] = []
  package var body: BodyDraft?
  package var maxForwards: UInt8 = 70
  /// A BYE that is sent again where it is not confirmed: its dialog stays until then, or until ``SIPCore/end(_:)``.
  package var isInsistent = false

  /// A request outside of a dialog.
  package init(
    _ method: Method, target: URI, from: NameAddress, to: NameAddress,
    headers: [HeaderDraft] = [], body: BodyDraft? = nil
  ) {
    (self.method, self.target, self.from, self.to) = (method, target, from, to)
    (self.headers, self.body) = (headers, body)
  }

  /// A request in a dialog.
  package init(_ method: Method, headers: [HeaderDraft] = [], body: BodyDraft? = nil) {
    (self.method, self.headers, self.body) = (method, headers, body)
  }

  /// The same request once more after a 401, 407, 422 or 3xx: same Call-ID and tag, next CSeq
  /// (RFC 3261 §8.1.3.5), and `headers` in addition.
  package func repeated(after response: Message, adding headers: [HeaderDraft]) -> RequestDraft {
    var draft = self
    draft.callID = Array(response[response.callID])
    draft.fromTag = response.fromTag.map { Array(response[$0]) }
    draft.cseq = min(response.cseq.number, 0x7FFF_FFFE) + 1
    draft.headers += headers
    return draft
  }
}

/// What the user answers.
///
/// The core adds what a response copies from its request, our tag, Contact
/// where the response establishes a dialog, Record-Route, Content-Length.
package struct ResponseDraft: Sendable {
  package var status: StatusCode
  /// Nil: the phrase of the RFC.
  package var reasonPhrase: String?
  package var contact: ContactDraft = .automatic
  package var headers: [HeaderDraft]
  package var body: BodyDraft?
  /// Send a 101…199 until its PRACK comes (RFC 3262); without 100rel at the peer it goes plainly.
  package var reliably = false

  package init(_ status: StatusCode, headers: [HeaderDraft] = [], body: BodyDraft? = nil) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }
}
