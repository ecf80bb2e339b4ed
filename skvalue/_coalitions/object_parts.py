"""What any object is made of, so that two can be compared across processes.

Objects come apart as pickle sees them, but for what pickle knows by name only: the
user's functions and classes come apart into their code and what it reads.
"""

import copyreg
import dis
import functools
import hashlib
import os
import pickle
import sys
import sysconfig
import types
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state

STANDARD_LIBRARY = sysconfig.get_paths()["stdlib"] + os.sep

# What objects raise that have no state to save.
NO_STATE = (
    AttributeError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.PickleError,
)

# Of a class's dictionary: where it was defined and registered, not what it does.
NOT_BEHAVIOUR = {
    "__annotate__",
    "__annotate_func__",
    "__annotations__",
    "__annotations_cache__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__module__",
    "__orig_bases__",
    "__parameters__",
    "__qualname__",
    "__static_attributes__",
    "__type_params__",
    "__weakref__",
    "_abc_impl",
}


def take_apart(value):
    """Kind of an object, and what it is made of.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    kind : str
        Name of its class.

    parts : str, or list, tuple, dict or set of objects
        All that could make it do something else. The order of a dict does not count.

    Raises
    ------
    ValueError
        If it has no state that another process could see.
    """
    if type(value) is np.memmap:
        value = value.view(np.ndarray)
    kind = type(value)
    if kind in {dict, list, tuple, set, frozenset}:
        return kind.__name__, value
    if (name := _installed_name(value)) is not None:
        return "installed", name
    try:
        parts = _parts_of(value)
    except RecursionError:
        raise
    except NO_STATE as error:
        raise ValueError(
            f"{_name_of(kind)} has no state that another process could see ({error})"
        ) from error
    return _name_of(kind), parts if _is_installed(kind.__module__) else [kind, parts]


def _parts_of(value):
    kind = type(value)
    for base, parts_of in _PARTS.items():
        # Not isinstance: proxies pretend to be what they stand for.
        if issubclass(kind, base):
            return parts_of(value)
    if kind is np.ndarray:
        return _array_parts(value)
    if sparse.issparse(value):
        return _sparse_parts(value)
    if "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor):
        return _tensor_parts(value)
    return _reduced(value)


def _array_parts(array):
    if array.dtype.names:
        # There may be padding between the fields.
        content = [array[name] for name in array.dtype.names]
    elif array.dtype.hasobject:
        content = array.tolist()
    elif array.dtype.char in "gG":
        # Long doubles end with padding, which holds anything.
        content = [repr(number) for number in array.reshape(-1)]
    else:
        # As bytes: times have no buffer of their own.
        flat = np.ascontiguousarray(array).reshape(-1)
        content = sha256(flat.view(np.uint8) if flat.itemsize else b"")
    return [str(array.dtype), array.shape, content]


def _sparse_parts(matrix):
    if matrix.format in {"csr", "csc", "bsr"}:
        return [matrix.shape, matrix.data, matrix.indices, matrix.indptr]
    matrix = matrix.tocoo()
    return [matrix.shape, matrix.data, *matrix.coords]


def _function_parts(function):
    globals_ = function.__globals__
    parts = {
        "name": function.__qualname__,
        "code": function.__code__,
        "defaults": [function.__defaults__, function.__kwdefaults__],
        "closure": [_cell_parts(cell) for cell in function.__closure__ or ()],
        "attributes": vars(function),
    }
    if not _is_installed(globals_.get("__name__", "")):
        names, mentioned = _names_in(function.__code__)
        parts["globals"] = {
            name: _reached(globals_[name], mentioned)
            for name in names
            if name in globals_
        }
    return parts


def _cell_parts(cell):
    try:
        return [cell.cell_contents]
    except ValueError:
        return "empty"


def _names_in(code):
    """Global names that a function reads, and all that it mentions, inner ones too."""
    names = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}
        or instruction.opname.endswith("_OR_GLOBALS")
    }
    mentioned = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner_names, inner_mentioned = _names_in(constant)
            names |= inner_names
            mentioned |= inner_mentioned
    return names, mentioned


def _reached(value, mentioned, above=()):
    """A global; of the user's modules, what a function can mean by ``module.name``."""
    is_users = isinstance(value, types.ModuleType) and not _is_installed(value.__name__)
    if not is_users or value in above:
        return value
    return {
        name: _reached(attribute, mentioned, (*above, value))
        for name, attribute in vars(value).items()
        if name in mentioned
    } | {"module": value}


def _code_parts(code):
    """What a function does, without where it lies in memory or in a file."""
    return [
        code.co_code,
        code.co_consts,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
        code.co_exceptiontable,
    ]


def _class_parts(cls):
    content = {k: v for k, v in vars(cls).items() if k not in NOT_BEHAVIOUR}
    return [_name_of(cls), cls.__bases__, content]


def _random_state_parts(generator):
    # What belongs to nobody, such as SciPy's distributions hold, is no parameter.
    if generator is check_random_state(None):
        return "that is global"
    return [generator.get_state(legacy=False)]


def _bit_generator_parts(generator):
    spawned = getattr(generator.seed_seq, "n_children_spawned", 0)
    return [generator.state, spawned]


def _tensor_parts(tensor):
    torch = sys.modules["torch"]
    dense = tensor.to_dense() if tensor.layout != torch.strided else tensor
    dense = dense.detach().cpu().resolve_conj().resolve_neg().contiguous()
    content = dense.reshape(-1).view(torch.uint8).numpy()
    return [str(tensor.dtype), tuple(tensor.shape), content, tensor.requires_grad]


def _reduced(value):
    """State of any other object, as pickle sees it; or the name of a global one."""
    kind = type(value)
    if kind is object:
        raise TypeError("nothing but its address")
    reduce = copyreg.dispatch_table.get(kind)
    reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
    if isinstance(reduced, str):
        module = getattr(value, "__module__", None) or kind.__module__
        if _find(module, reduced) is not value:
            raise TypeError(f"{module} has no such {reduced}")
        return _with_version(module, reduced)
    function, arguments, *rest = reduced
    state, items, pairs = (*rest, None, None, None)[:3]
    return [function, arguments, state, list(items or ()), list(pairs or ())]


_PARTS = {
    types.ModuleType: lambda module: _with_version(module.__name__),
    types.FunctionType: _function_parts,
    types.MethodType: lambda method: [method.__func__, method.__self__],
    types.CodeType: _code_parts,
    types.MappingProxyType: dict,
    (types.GetSetDescriptorType, types.MemberDescriptorType): lambda slot: (
        slot.__name__
    ),
    type: _class_parts,
    property: lambda attribute: [attribute.fget, attribute.fset, attribute.fdel],
    (staticmethod, classmethod): lambda method: [method.__func__],
    functools.cached_property: lambda attribute: [attribute.func],
    # What it has cached follows from what it wraps.
    functools._lru_cache_wrapper: lambda function: [function.__wrapped__],
    np.generic: lambda scalar: [np.asarray(scalar)],
    np.random.RandomState: _random_state_parts,
    np.random.BitGenerator: _bit_generator_parts,
    np.random.Generator: lambda generator: [generator.bit_generator],
}


# ----------------------------------------------------------------- what is installed


def _installed_name(value):
    """Name and version of what an installed package has under this name, or None."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)):
        return None
    if not _is_installed(module) or _find(module, name) is not value:
        return None
    return _with_version(module, name)


def _find(module, name):
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _is_installed(module):
    """Whether it comes with Python or a package, so that a version tells it."""
    top = module.partition(".")[0]
    if top == __name__.partition(".")[0]:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return top in sys.stdlib_module_names
    folders = os.path.abspath(file).split(os.sep)
    return (
        "site-packages" in folders
        or "dist-packages" in folders
        or os.path.abspath(file).startswith(STANDARD_LIBRARY)
    )


def _with_version(module, *name):
    """Dotted name, and the version of the package."""
    full = ".".join((module, *name))
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or not _is_installed(module):
        return full
    number = getattr(sys.modules.get(top), "__version__", None)
    with suppress(PackageNotFoundError):
        number = number or version(top)
    return f"{full} {number}"


def _name_of(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


def sha256(content):
    """Hash of text or of anything with a buffer, as text."""
    content = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(content).hexdigest()
