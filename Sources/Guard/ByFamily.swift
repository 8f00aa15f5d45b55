package import Elements

/// One of a thing for each address family, since what happens in one is no reason to treat the other differently.
package struct ByFamily<Value> {
  package var v4: Value
  package var v6: Value

  package init(v4: Value, v6: Value) { (self.v4, self.v6) = (v4, v6) }

  /// The same for both.
  package init(both value: Value) { self.init(v4: value, v6: value) }

  package subscript(isV4 isV4: Bool) -> Value {
    get { isV4 ? v4 : v6 }
    set { if isV4 { v4 = newValue } else { v6 = newValue } }
  }

  package subscript(address: IPAddress) -> Value {
    get { self[isV4: address.isV4] }
    set { self[isV4: address.isV4] = newValue }
  }

  package func map<Other>(_ transform: (Value) throws -> Other) rethrows -> ByFamily<Other> {
    ByFamily<Other>(v4: try transform(v4), v6: try transform(v6))
  }
}

extension ByFamily: Sendable where Value: Sendable {}
extension ByFamily: Equatable where Value: Equatable {}
extension ByFamily: Hashable where Value: Hashable {}
