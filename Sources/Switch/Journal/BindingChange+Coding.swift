package import Elements
import SIP

extension BindingChange {
  package func encode(into writer: inout ByteWriter) {
    switch self {
    case .put(let binding):
      writer.write(UInt8(3))
      binding.encode(into: &writer)
      writer.write(binding.device) { $0.write($1) }
    case .removed(let `extension`, let key):
      writer.write(UInt8(2))
      writer.write(`extension`)
      key.encode(into: &writer)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    switch try reader.read(UInt8.self) {
    // Without its device, as it was written before 3.
    case 1: self = .put(try Binding(from: &reader))
    case 3:
      var binding = try Binding(from: &reader)
      binding.device = try reader.readOptional(readID)
      self = .put(binding)
    case 2: self = .removed(try reader.readID(), try Binding.Key(from: &reader))
    case _: throw ByteCodingError(expected: "a binding change", offset: start)
    }
  }
}

extension Binding {
  fileprivate func encode(into writer: inout ByteWriter) {
    writer.write(`extension`)
    key.encode(into: &writer)
    writer.write(tenant)
    writer.write(contact)
    flow.encode(into: &writer)
    writer.write(UInt32(path.count))
    for hop in path { writer.write(hop) }
    writer.write(callID)
    writer.write(sequence)
    writer.write(expiresAt)
    writer.write(preference)
    writer.write(userAgent)
    writer.write(registeredAt)
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    self.init(
      extension: try reader.readID(), key: try Key(from: &reader), tenant: try reader.readID(),
      contact: try reader.readString(), flow: try Flow(from: &reader),
      path: try reader.readStrings(), callID: try reader.readString(),
      sequence: try reader.read(), expiresAt: try reader.readWallTime(),
      preference: try reader.read(), userAgent: try reader.readString(),
      registeredAt: try reader.readWallTime())
  }
}

extension Binding.Key {
  fileprivate func encode(into writer: inout ByteWriter) {
    switch self {
    case .contact(let contact):
      writer.write(UInt8(1))
      writer.write(contact)
    case .instance(let instance, let registration):
      writer.write(UInt8(2))
      writer.write(instance)
      writer.write(registration)
    }
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    switch try reader.read(UInt8.self) {
    case 1: self = .contact(try reader.readString())
    case 2: self = .instance(try reader.readString(), registration: try reader.read())
    case _: throw ByteCodingError(expected: "a binding key", offset: start)
    }
  }
}

extension Flow {
  func encode(into writer: inout ByteWriter) {
    writer.write(transport.rawValue)
    writer.write(local)
    writer.write(remote)
    writer.write(connection) { $0.write($1) }
  }

  init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    guard let transport = Transport(rawValue: try reader.read()) else {
      throw ByteCodingError(expected: "a transport", offset: start)
    }
    self.init(
      transport: transport, local: try reader.readEndpoint(), remote: try reader.readEndpoint(),
      connection: try reader.readOptional(readID))
  }
}
