/// The release, as `martinet --version` says it; never shown to a stranger on the wire.
package enum Version {
  package static let text = "0.1.0"
}
