import Elements
import SIPSyntax

extension FingerprintKey {
  /// The name of a server transaction, RFC 3261 §17.2.3, and of the source address besides.
  ///
  /// ACK and CANCEL have the name of their INVITE. Whoever forges a CANCEL or ACK from elsewhere,
  /// even with the right branch, names another transaction.
  func serverTransaction(_ message: Message, method: Method, from source: IPAddress) -> Fingerprint
  {
    var name = absorber()
    name.absorb(source.high)
    name.absorb(source.low)
    let bytes = message.bytes.span
    if message.hasTransactionID, let branch = message.branch {
      name.absorb(part: bytes.extracting(branch.range))
      name.absorb(lowercased: bytes.extracting(message.sentBy.range))
    } else {
      absorbAncient(message, into: &name)
    }
    name.absorb(method)
    return name.finish()
  }

  /// What RFC 2543 has for a branch: the parts of the request that its copies share (§17.2.3).
  private func absorbAncient(_ message: Message, into name: inout FingerprintAbsorber) {
    let bytes = message.bytes.span
    let via = message.values(.via).first ?? message.sentBy
    for range in [message.requestURIRange, message.fromTag, message.callID, via] {
      name.absorb(part: bytes.extracting(range?.range ?? 0..<0))
    }
    name.absorb(UInt64(message.cseq.number))
  }

  /// The name of a client transaction, RFC 3261 §17.1.3: our branch is random, nothing else is needed.
  func clientTransaction(branch: Span<UInt8>, method: Method) -> Fingerprint {
    var name = absorber()
    name.absorb(part: branch)
    name.absorb(method)
    return name.finish()
  }

  /// The name that all copies of one request share that came over several paths (§8.2.2.2).
  func mergedRequest(_ message: Message) -> Fingerprint {
    var name = absorber()
    let bytes = message.bytes.span
    name.absorb(part: bytes.extracting(message.callID.range))
    name.absorb(part: bytes.extracting(message.fromTag?.range ?? 0..<0))
    name.absorb(UInt64(message.cseq.number))
    name.absorb(message.method)
    return name.finish()
  }

  /// A name that the copies of one request share, of one that leaves no transaction.
  func copies(of message: Message) -> Fingerprint {
    var name = absorber()
    name.absorb(part: message.bytes.span.extracting(message.callID.range))
    name.absorb(UInt64(message.cseq.number))
    return name.finish()
  }

  /// The name of a dialog (§12).
  func dialog(
    callID: Span<UInt8>, localTag: Span<UInt8>, remoteTag: Span<UInt8>
  ) -> Fingerprint {
    var name = absorber()
    name.absorb(part: callID)
    name.absorb(part: localTag)
    name.absorb(part: remoteTag)
    return name.finish()
  }
}

extension FingerprintAbsorber {
  mutating func absorb(_ method: Method) {
    absorb(method.number)
    if case .other(let name) = method { absorb(part: name.span) }
  }
}

extension Method {
  /// A number for each method that has a name of its own; zero for the others.
  fileprivate var number: UInt8 {
    switch self {
    case .other: 0
    case .invite: 1
    case .ack: 2
    case .bye: 3
    case .cancel: 4
    case .register: 5
    case .options: 6
    case .prack: 7
    case .subscribe: 8
    case .notify: 9
    case .publish: 10
    case .info: 11
    case .refer: 12
    case .message: 13
    case .update: 14
    }
  }
}

/// Some methods, found without comparing names.
struct MethodSet: Sendable {
  private let known: UInt16
  private let others: [Method]

  init(_ methods: [Method]) {
    known = methods.reduce(0) { $0 | 1 << UInt16($1.number) } & ~1
    others = methods.filter { !$0.isKnown }
  }

  func contains(_ method: Method) -> Bool {
    method.number == 0 ? others.contains(method) : known & 1 << UInt16(method.number) != 0
  }
}
