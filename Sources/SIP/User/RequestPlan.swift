import Elements
import SIPSyntax

/// A request with everything decided but its path: written anew for each next hop that is tried.
struct RequestPlan: Sendable {
  let method: Method
  let target: URI
  /// The values of From and To, tags included.
  let from: [UInt8]
  let to: [UInt8]
  let localTag: [UInt8]
  let callID: [UInt8]
  let cseq: UInt32
  let maxForwards: UInt8
  var routes: [[UInt8]] = []
  var contact: ContactDraft = .none
  var headers: [HeaderDraft] = []
  var body: BodyDraft?
  var dialog: DialogID?
  var isSilent = false
  /// See ``RequestDraft/isInsistent``.
  var isInsistent = false

  /// Writes the request for one path (RFC 3261 §8.1.1).
  func serialize(
    to destination: Destination, branch: [UInt8], software: String?
  ) -> [UInt8] {
    let bodyBytes = body?.bytes ?? []
    var builder = MessageBuilder(
      request: method, uri: target, capacity: 640 + headers.count * 64 + bodyBytes.count)
    builder.add(.via, viaValue(of: destination, branch: branch))
    builder.add(.maxForwards, number: UInt64(maxForwards))
    for route in routes { builder.add(.route, route) }
    builder.add(.from, from)
    builder.add(.to, to)
    builder.add(.callID, callID)
    builder.add(.cseq, CSeq(number: cseq, method: method))
    if let contact = contact.value(for: destination) { builder.add(.contact, contact) }
    builder.add(headers)
    if let software { builder.add(.userAgent, software) }
    return builder.finish(body: bodyBytes, contentType: body?.contentType)
  }
}

/// The Via of a request of ours, with an empty rport (RFC 3581 §3).
func viaValue(of destination: Destination, branch: [UInt8]) -> [UInt8] {
  let local = destination.local
  return [UInt8](room: 32 + Endpoint.longestText + branch.count) { value in
    value.append(text: "SIP/2.0/")
    value.append(text: destination.transport.viaToken)
    value.append(0x20)
    value.append(local)
    value.append(text: ";rport;branch=")
    value.append(copying: branch.span)
  }
}

extension ContactDraft {
  /// The value for a message on that path; nil for none.
  func value(for destination: Destination) -> [UInt8]? {
    switch self {
    case .exactly(let bytes): return bytes.isEmpty ? nil : bytes
    case .automatic(let user):
      let uri = URI(
        user: user, host: .address(destination.local.address), port: destination.local.port,
        parameters: destination.transport.contactParameters)
      return [UInt8](room: uri.bytes.count + 2) { value in
        value.append(UInt8(ascii: "<"))
        value.append(copying: uri.bytes.span)
        value.append(UInt8(ascii: ">"))
      }
    }
  }
}

extension Transport {
  fileprivate var contactParameters: [URI.Component] {
    switch self {
    case .udp: []
    case .tcp: [URI.Component("transport", "tcp")]
    case .tls: [URI.Component("transport", "tls")]
    // RFC 7118 §5.2.4 has one word for both.
    case .ws, .wss: [URI.Component("transport", "ws")]
    }
  }
}

extension MessageBuilder {
  mutating func add(_ headers: [HeaderDraft]) {
    for header in headers {
      switch header.name {
      case .known(let name): add(name, header.value)
      case .other(let name): add(named: name, header.value)
      }
    }
  }
}

extension Method {
  /// Its requests and 2xx carry a Contact: they make a dialog or refresh its target (RFC 3261 §12).
  var carriesContact: Bool {
    switch self {
    case .invite, .subscribe, .notify, .update, .refer: true
    case .ack, .bye, .cancel, .register, .options, .prack, .publish, .info, .message, .other: false
    }
  }

  /// A 2xx to it, outside of a dialog, makes one.
  var makesDialog: Bool { self == .invite || self == .subscribe || self == .refer }

  /// It means something within a dialog only.
  var needsDialog: Bool {
    self == .bye || self == .prack || self == .update || self == .info
  }
}
