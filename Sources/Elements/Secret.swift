/// Bytes that must not be shown: printing, logging and dumping give "(secret)".
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The bytes themselves; whoever takes them answers for where they go.
  package let exposed: [UInt8]

  package init(_ bytes: [UInt8]) {
    exposed = bytes
  }

  package init(_ text: String) {
    exposed = Array(text.utf8)
  }

  /// Compares in a time that depends on the lengths only.
  package static func == (left: Secret, right: Secret) -> Bool {
    guard left.exposed.count == right.exposed.count else { return false }
    var difference: UInt8 = 0
    for index in left.exposed.indices { difference |= left.exposed[index] ^ right.exposed[index] }
    return difference == 0
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(exposed.count) }

  package var description: String { "(secret)" }
  package var debugDescription: String { "(secret)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
