/// A large value in a place of its own on the heap: handed on it is one pointer, and changed where it is.
///
/// An array of one, which copies on write like every array. As a wrapper of a property it keeps what is large out of the
/// value that has it, all of which may be copied where a method of that is called. Public, as ``ByteRange`` is.
@propertyWrapper
public struct Boxed<Value: Sendable>: Sendable {
  @usableFromInline var place: [Value]

  /// Puts a value into a place of its own.
  @inlinable
  public init(_ value: consuming Value) {
    place = [value]
  }

  /// The same, for a property.
  @inlinable
  public init(wrappedValue: consuming Value) {
    self.init(wrappedValue)
  }

  /// The value, where it is.
  @inlinable public var value: Value {
    @inline(__always) get { place[0] }
    @inline(__always) _modify {
      // Through the span, whose subscript is no coroutine within this one.
      var span = place.mutableSpan
      yield &span[0]
    }
  }

  /// The same, for a property.
  @inlinable public var wrappedValue: Value {
    @inline(__always) get { place[0] }
    @inline(__always) _modify {
      // Through the span, whose subscript is no coroutine within this one.
      var span = place.mutableSpan
      yield &span[0]
    }
  }
}
