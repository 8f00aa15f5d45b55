extension URI {
  /// `urn:service:sos` or a service below it, such as `urn:service:sos.fire` (RFC 5031 §4.2).
  package var isEmergencyService: Bool {
    guard scheme == .other else { return false }
    let service = Array("urn:service:sos".utf8)
    guard bytes.count >= service.count,
      bytes.prefix(service.count).map({ $0 < 0x5B && $0 > 0x40 ? $0 | 0x20 : $0 })
        .elementsEqual(service)
    else { return false }
    return bytes.count == service.count || bytes[service.count] == UInt8(ascii: ".")
  }

  /// What somebody dialled: the user part, and of a tel URI the phone-context that a local number means
  /// nothing without (RFC 3966 §5.1.5).
  package var dialled: [UInt8] {
    if scheme == .other { return bytes }
    guard let user else { return [] }
    guard scheme == .tel, let context = parameter("phone-context") else { return user }
    return user + Array(";phone-context=\(context)".utf8)
  }
}
