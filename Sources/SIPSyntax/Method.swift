import Elements

/// The method of a request: case-sensitive (RFC 3261 §7.1), known or kept as received.
package enum Method: Hashable, Sendable, CustomStringConvertible {
  case invite, ack, bye, cancel, register, options
  /// RFC 3262.
  case prack
  /// RFC 6665.
  case subscribe, notify
  /// RFC 3903.
  case publish
  /// RFC 6086.
  case info
  /// RFC 3515.
  case refer
  /// RFC 3428.
  case message
  /// RFC 3311.
  case update
  /// A method that we do not know; the bytes are a token that is none of the names above.
  case other([UInt8])

  /// The method of that name.
  ///
  /// - Parameter token: A `token` of RFC 3261 §25.1.
  package init(token: Span<UInt8>) {
    self.init(token, ByteRange(0, token.count))
  }

  package init(_ name: String) {
    self.init(token: Array(name.utf8).span)
  }

  /// The method that a range of `bytes` names.
  init(_ bytes: Span<UInt8>, _ range: ByteRange) {
    let (lower, upper) = (Int(range.lower), Int(range.upper))
    switch bytes.word(lower, upper) {
    case 0x4554_4956_4E49 where range.count == 6: self = .invite
    case 0x4B_4341 where range.count == 3: self = .ack
    case 0x45_5942 where range.count == 3: self = .bye
    case 0x4C45_434E_4143 where range.count == 6: self = .cancel
    case 0x5245_5453_4947_4552 where range.count == 8: self = .register
    case 0x53_4E4F_4954_504F where range.count == 7: self = .options
    case 0x4B_4341_5250 where range.count == 5: self = .prack
    case 0x4249_5243_5342_5553 where range.count == 9 && bytes[upper - 1] == 0x45: self = .subscribe
    case 0x5946_4954_4F4E where range.count == 6: self = .notify
    case 0x48_5349_4C42_5550 where range.count == 7: self = .publish
    case 0x4F46_4E49 where range.count == 4: self = .info
    case 0x52_4546_4552 where range.count == 5: self = .refer
    case 0x45_4741_5353_454D where range.count == 7: self = .message
    case 0x4554_4144_5055 where range.count == 6: self = .update
    case _: self = .other(bytes.copy(range))
    }
  }

  /// The methods that have a name of their own here.
  package static let known: [Method] = [
    .invite, .ack, .bye, .cancel, .register, .options, .prack, .subscribe, .notify, .publish,
    .info, .refer, .message, .update,
  ]

  package var isKnown: Bool {
    if case .other = self { false } else { true }
  }

  /// The name as text, for example "INVITE".
  package var name: String {
    if case .other(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { "\(text)" }
  }

  /// The name of a known method; empty for another one.
  package var text: StaticString {
    switch self {
    case .invite: "INVITE"
    case .ack: "ACK"
    case .bye: "BYE"
    case .cancel: "CANCEL"
    case .register: "REGISTER"
    case .options: "OPTIONS"
    case .prack: "PRACK"
    case .subscribe: "SUBSCRIBE"
    case .notify: "NOTIFY"
    case .publish: "PUBLISH"
    case .info: "INFO"
    case .refer: "REFER"
    case .message: "MESSAGE"
    case .update: "UPDATE"
    case .other: ""
    }
  }

  package var description: String { name }
}
