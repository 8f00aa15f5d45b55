import SIPSyntax

/// A request of ours as an ICMP error repeats it: its beginning, as long as it pleased the router.
struct QuotedRequest: Hashable, Sendable {
  let method: Method
  let branch: [UInt8]

  /// Nil where the quote ends before the end of the branch, or is of a request that no such error may end.
  init?(_ bytes: [UInt8]) {
    let methods: [Method] = [.invite, .options, .register, .bye]
    guard let space = bytes.firstIndex(of: UInt8(ascii: " ")),
      let method = methods.first(where: { $0.description.utf8.elementsEqual(bytes[..<space]) }),
      let name = bytes.firstRange(of: Array(";branch=".utf8))
    else { return nil }
    let value = bytes[name.upperBound...]
    guard
      let end = value.firstIndex(where: { $0 == UInt8(ascii: ";") || $0 == 13 || $0 == 10 })
    else { return nil }
    (self.method, branch) = (method, Array(value[..<end]))
  }
}
