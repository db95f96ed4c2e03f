# finish.sh FOLDER: takes out what never runs, compiles the rest, and gives all of it one time.
#
# FOLDER/opt/gan becomes /opt/gan of the image.
set -eu
folder=$1
for package in "$folder"/opt/gan/lib/python3.*/site-packages; do
  # headers, and the packages' own tests
  rm -rf "$package"/tensorflow/include "$package"/pyarrow/include "$package"/pyarrow/src "$package"/pyarrow/tests
  for name in numpy scipy sklearn; do
    if [ -d "$package/$name" ]; then find "$package/$name" -depth -type d -name tests -exec rm -rf {} +; fi
  done
done
# A read-only image can't keep bytecode later on, and without it each step would compile TensorFlow's Python again. It
# is checked neither by time nor by hash: it lies beside its source, and neither changes.
/opt/gan/bin/python3 -m compileall -q -f -j 0 --invalidation-mode unchecked-hash -s "$folder" -p / "$folder/opt/gan/lib"
chmod -R go-w,a+rX "$folder"
find "$folder" -exec touch --no-dereference --date=@315532800 {} +  # 1980: the oldest time that every archive can hold
