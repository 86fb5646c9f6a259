"""The operations of TensorFlow that the graph of an extractor may have.

They compute: a graph of these reads and writes its variables and nothing else. Left out are all
that touch files, devices, processes, Python, the network or the terminal, those of input pipelines
and tables, and those that no network here needs. A network with a new operation adds it where it
belongs, after a look at what the operation can do.
"""

_CALLS = """
    Case If PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile While
"""

# Their variables are those of the SavedModel; VarHandleOp, which makes others, is not needed.
_VARIABLES = """
    AssignAddVariableOp AssignSubVariableOp AssignVariableOp ReadVariableOp ResourceGather
    ResourceGatherNd VariableShape
"""

_PASSING_ON = """
    Assert CheckNumerics Const EnsureShape Identity IdentityN NoOp PlaceholderWithDefault
    PreventGradient StopGradient
"""

_SHAPES = """
    BroadcastArgs BroadcastGradientArgs BroadcastTo ConcatOffset ConcatV2 ExpandDims Fill
    InvertPermutation MirrorPad MirrorPadGrad OnesLike Pack Pad PadV2 Rank Reshape ReverseSequence
    ReverseV2 Roll Shape ShapeN Size Slice Split SplitV Squeeze StridedSlice
    StridedSliceGrad TensorScatterAdd TensorScatterUpdate TensorStridedSliceUpdate Tile Transpose
    Unpack ZerosLike BatchToSpaceND SpaceToBatchND DepthToSpace SpaceToDepth Diag DiagPart
    MatrixBandPart MatrixDiagPartV3 MatrixDiagV3 MatrixSetDiagV3
"""

_CHOOSING = """
    ArgMax ArgMin Bucketize DynamicPartition DynamicStitch GatherNd GatherV2 InTopKV2 OneHot
    ParallelDynamicStitch ScatterNd Select SelectV2 TopKV2 UniqueV2 Unique Where
    LowerBound UpperBound
"""

_NUMBERS = """
    Abs Acos Acosh Add AddN AddV2 Angle Asin Asinh Atan Atan2 Atanh BesselI0e BesselI1e Betainc
    Bitcast BitwiseAnd BitwiseOr BitwiseXor Cast Ceil ClipByValue Complex ComplexAbs Conj Cos Cosh
    Digamma Div DivNoNan Erf Erfc Erfinv Exp Expm1 Floor FloorDiv FloorMod Igamma Igammac Imag Inv
    InvGrad Invert IsFinite IsInf IsNan LeftShift Lgamma LinSpace Log Log1p Maximum Minimum Mod Mul
    MulNoNan Ndtri Neg NextAfter Polygamma Pow Range Real RealDiv Reciprocal ReciprocalGrad
    RightShift Rint Round Rsqrt RsqrtGrad Sigmoid SigmoidGrad Sign Sin Sinh Sqrt SqrtGrad Square
    SquaredDifference Sub Tan Tanh TanhGrad TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta
"""

_COMPARISONS = """
    ApproximateEqual Equal Greater GreaterEqual Less LessEqual LogicalAnd LogicalNot LogicalOr
    NotEqual
"""

_SUMS = """
    All Any Bincount Cumprod CumulativeLogsumexp Cumsum DenseBincount EuclideanNorm Max Mean Min
    Prod SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Sum UnsortedSegmentMax
    UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
"""

_MATRICES = """
    BatchMatMul BatchMatMulV2 BatchMatMulV3 Cholesky Cross Einsum L2Loss LogMatrixDeterminant MatMul
    MatrixDeterminant MatrixInverse MatrixSolve MatrixTriangularSolve Qr SelfAdjointEigV2 Svd
"""

_SPECTRA = """
    FFT FFT2D FFT3D FFTND IFFT IFFT2D IFFT3D IFFTND IRFFT IRFFT2D IRFFT3D IRFFTND RFFT RFFT2D RFFT3D
    RFFTND
"""

_LAYERS = """
    AvgPool AvgPool3D AvgPoolGrad BiasAdd BiasAddGrad Conv2D Conv2DBackpropFilter
    Conv2DBackpropInput Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2
    DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput
    Dilation2D Elu EluGrad FusedBatchNormGradV3 FusedBatchNormV3 LRN LeakyRelu LeakyReluGrad
    LogSoftmax MaxPool MaxPool3D MaxPoolGrad MaxPoolV2 MaxPoolWithArgmax Relu Relu6 Relu6Grad
    ReluGrad Selu SeluGrad Softmax SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign
    SoftsignGrad SparseSoftmaxCrossEntropyWithLogits ResizeBilinear ResizeNearestNeighbor
    ResizeBilinearGrad ResizeNearestNeighborGrad
"""

# Recurrent layers and loops keep their steps in lists.
_LISTS = """
    EmptyTensorList TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather
    TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve
    TensorListResize TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack
"""

# Dropout, noise and masks, which run in training only.
_RANDOM = """
    Multinomial ParameterizedTruncatedNormal RandomGamma RandomPoissonV2 RandomShuffle
    RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal StatelessMultinomial
    StatelessRandomGammaV2 StatelessRandomGetAlg StatelessRandomGetKeyCounter
    StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2
    StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
    StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2
    StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2
"""

OPERATIONS = frozenset(
    name
    for names in (
        _CALLS, _VARIABLES, _PASSING_ON, _SHAPES, _CHOOSING, _NUMBERS, _COMPARISONS, _SUMS,
        _MATRICES, _SPECTRA, _LAYERS, _LISTS, _RANDOM,
    )
    for name in names.split()
)  # fmt: skip
