import Elements
import TestKit

@testable import SIPSyntax

/// All messages of the fixtures, for tests that hold for any input.
enum Corpus {
  static let flows = paths(in: "rfc3665", ending: ".sip") + paths(in: "transfer", ending: ".sip")
  static let torture = paths(in: "rfc4475", ending: ".dat") + paths(in: "rfc5118", ending: ".dat")

  private static func paths(in folder: String, ending: String) -> [String] {
    ((try? Fixtures.names(in: folder, ending: ending)) ?? []).map { "\(folder)/\($0)" }
  }
}

extension MessageBuilder {
  /// Builds a message of the parts of another one, all typed where there is a type.
  static func rebuild(_ message: Message) throws -> [UInt8] {
    var builder: MessageBuilder
    if let uri = message.requestURI {
      builder = MessageBuilder(request: message.method, uri: uri)
    } else {
      builder = MessageBuilder(response: message.status ?? 500, reason: message.reasonPhrase)
    }
    builder.add(.via, list: try message.vias())
    builder.add(.from, message.from)
    builder.add(.to, message.to)
    builder.add(.callID, message[message.callID])
    builder.add(.cseq, message.cseq)
    if let maxForwards = message.maxForwards {
      builder.add(.maxForwards, number: UInt64(maxForwards))
    }
    if case .contacts(let contacts) = try message.contacts() {
      builder.add(.contact, list: contacts)
    } else {
      builder.add(.contact, "*")
    }
    let done: Set<HeaderName> = [
      .via, .from, .to, .callID, .cseq, .maxForwards, .contact, .contentLength,
    ]
    for field in message.headers.fields {
      if let name = field.name {
        if !done.contains(name) { builder.add(name, message[field.value]) }
      } else {
        builder.add(named: message.text(field.nameRange), Array(message[field.value]))
      }
    }
    return builder.finish(body: message.bodyBytes)
  }
}

/// What two messages must have in common to mean the same.
struct Meaning: Equatable {
  var start: String
  var vias: [String]
  var from: NameAddress
  var to: NameAddress
  var callID: String
  var cseq: CSeq
  var maxForwards: UInt8?
  var contacts: ContactList
  /// The other fields in their order, folds read as spaces.
  var others: [String]
  var body: [UInt8]

  init(_ message: Message) throws {
    start =
      message.requestURI.map { "\(message.method) \($0)" }
      ?? "\(message.status?.number ?? 0) \(message.reasonPhrase)"
    vias = try message.vias().map { Self.unfolded($0.description) }
    (from, to, cseq) = (message.from, message.to, message.cseq)
    callID = message.text(message.callID)
    (maxForwards, contacts, body) = (message.maxForwards, try message.contacts(), message.bodyBytes)
    from.parameters = Self.plain(from.parameters)
    to.parameters = Self.plain(to.parameters)
    if case .contacts(let list) = contacts {
      contacts = .contacts(
        list.map {
          var contact = $0
          contact.parameters = Self.plain($0.parameters)
          return contact
        })
    }
    let done: Set<HeaderName> = [
      .via, .from, .to, .callID, .cseq, .maxForwards, .contact, .contentLength,
    ]
    others = message.headers.fields.compactMap { field in
      if let name = field.name, done.contains(name) { return nil }
      let name = field.name.map { "\($0.text)" } ?? message.text(field.nameRange)
      return "\(name): \(Self.unfolded(message.text(field.value)))"
    }
  }

  private static func unfolded(_ text: String) -> String {
    String(text.map { $0 == "\r\n" || $0 == "\r" || $0 == "\n" ? " " : $0 })
      .split(separator: " ").joined(separator: " ")
  }

  /// Parameters without the white space that the grammar allows between them.
  private static func plain(_ parameters: Parameters) -> Parameters {
    parameters.without("no such parameter")
  }
}
