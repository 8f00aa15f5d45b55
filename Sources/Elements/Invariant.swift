/// Stops the process when one of our own rules is broken and going on could cost money or mix tenants.
///
/// For our bugs only: no bytes of a peer may reach an invariant. Unlike `precondition`, the message
/// survives an optimised build. Within one call prefer to poison that call (Switch/README.md).
@inlinable
package func invariant(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { invariantFailed(message(), file: file, line: line) }
}

@inline(never)
@usableFromInline
package func invariantFailed(_ message: String, file: StaticString, line: UInt) -> Never {
  print("invariant broken at \(file):\(line): \(message)")
  preconditionFailure(message)
}
